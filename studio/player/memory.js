// A pair that goes on until it is stopped: of both sides the last ten minutes are kept, and the first half minute.
class Memory {
  static minutes = 10;
  static block = 10; // seconds that are let go of at a time
  static first = 3; // blocks that stay: what a link can hold

  constructor(rate) {
    this.rate = rate;
    this.size = Memory.block * rate;
    this.most = Memory.minutes * 60 * rate;
    this.blocks = new Map();
    this.filled = 0;
  }

  // The first sample from which on all is there.
  get from() {
    return Math.max(0, this.filled - this.most);
  }

  // int16 by side, after what is there.
  add(rows) {
    const count = rows.steered.length;
    for (let done = 0; done < count; ) {
      const at = this.filled % this.size, place = (this.filled - at) / this.size;
      const part = Math.min(count - done, this.size - at);
      for (const side of ["steered", "unsteered"]) this.blockAt(place)[side].set(rows[side].subarray(done, done + part), at);
      this.filled += part;
      done += part;
    }
    const gone = Math.floor(this.from / this.size);
    for (const place of this.blocks.keys()) if (place >= Memory.first && place < gone) this.blocks.delete(place);
  }

  blockAt(place) {
    if (!this.blocks.has(place)) this.blocks.set(place, { steered: new Int16Array(this.size), unsteered: new Int16Array(this.size) });
    return this.blocks.get(place);
  }

  // Samples of one side as they came; silence where they are no longer kept.
  part(side, first, last) {
    const out = new Int16Array(last - first);
    for (let at = first; at < last; ) {
      const inside = at % this.size, count = Math.min(last - at, this.size - inside);
      const rows = this.blocks.get((at - inside) / this.size);
      if (rows) out.set(rows[side].subarray(inside, inside + count), at - first);
      at += count;
    }
    return out;
  }
}

class LiveSound extends PairSound {
  static careful = 0.25; // seconds more to wait for, each time that it ran dry

  clear(rate) {
    super.clear(rate, 0);
    this.length = Infinity;
    this.loop = false;
    this.memory = new Memory(rate);
    this.switches = [{ at: 0, side: this.side }];
  }

  append(rows) {
    this.memory.add(rows);
    this.filled = this.memory.filled;
    this.arrival.mark(this.filled / this.rate);
    this.extend();
    this.begin();
  }

  finish() {
    this.complete = true;
    this.length = this.filled;
    this.extend();
    this.begin();
  }

  get ready() {
    const there = (this.filled - Math.round(this.held * this.rate)) / this.rate;
    const needed = this.complete ? 0 : Math.min(1, LiveSound.careful * this.dry);
    return there > 0 && there >= needed ? 1 : Math.max(0, Math.min(0.99, there / (needed || 1)));
  }

  part(side, first, last) {
    return Float32Array.from(this.memory.part(side, first, last), (value) => value / 32768);
  }

  heard(side) {
    if (!this.complete) this.switches.push({ at: Math.round(this.position * this.rate), side });
    super.heard(side);
  }

  // What was heard, the switch included, as int16: the same ramps as the audio graph's.
  *render(first, last, step = this.rate) {
    const ramp = RAMP * this.rate;
    let place = 0, from = 0, since = -Infinity, to = this.switches[0].side === "steered" ? 1 : 0;
    const level = (n) => from + (to - from) * Math.min(1, (n - since) / ramp);
    from = to;
    for (let at = first; at < last; at += step) {
      const end = Math.min(last, at + step);
      const steered = this.memory.part("steered", at, end), unsteered = this.memory.part("unsteered", at, end);
      for (let n = at; n < end; n++) {
        while (place < this.switches.length && this.switches[place].at <= n) {
          const { at: when, side } = this.switches[place++];
          from = level(when);
          since = when;
          to = side === "steered" ? 1 : 0;
        }
        const share = level(n);
        steered[n - at] = Math.round(share * steered[n - at] + (1 - share) * unsteered[n - at]);
      }
      yield steered;
    }
  }

  // The same as a file.
  wav(first, last) {
    const bytes = 2 * (last - first), head = new DataView(new ArrayBuffer(44));
    const text = (at, word) => [...word].forEach((letter, n) => head.setUint8(at + n, letter.charCodeAt(0)));
    text(0, "RIFF");
    head.setUint32(4, 36 + bytes, true);
    text(8, "WAVEfmt ");
    head.setUint32(16, 16, true);
    [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => head.setUint16(at, value, true));
    head.setUint32(24, this.rate, true);
    head.setUint32(28, 2 * this.rate, true);
    text(36, "data");
    head.setUint32(40, bytes, true);
    return new Blob([head, ...this.render(first, last)], { type: "audio/wav" });
  }
}
