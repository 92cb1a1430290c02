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
    this.matching = false;
    this.switches = [this.firstSwitch(this.side)];
    this.trimmed = Object.fromEntries(["steered", "unsteered"].map((side) => [side, [{ at: 0, from: 0, to: 0, long: 0 }]]));
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

  // The sample that sounds now; before its beginning by as much as that is ahead.
  get exact() {
    if (!this.voice) return Math.round(this.held * this.rate);
    const span = this.voice.spans.findLast((one) => one.at <= this.frame) ?? this.voice.spans[0];
    return span ? span.first + Math.min(this.frame - span.at, span.last - span.first) : this.voice.first;
  }

  // What is done to the sound is kept as lines: from one value to another within so many samples.
  heard(side) {
    if (!this.complete && this.context) {
      const at = this.exact;
      this.switches.push({ at, from: along(this.switches)(at), to: side === "steered" ? 1 : 0, long: RAMP * this.rate, side });
    } else if (!this.filled) this.switches = [this.firstSwitch(side)];
    super.heard(side);
  }

  firstSwitch(side) {
    return { at: 0, from: 0, to: side === "steered" ? 1 : 0, long: 0, side };
  }

  settle(quick) {
    super.settle(quick);
    if (this.complete || !this.context || !this.memory) return;
    for (const side of ["steered", "unsteered"]) {
      const { from, to, at, until } = this.levels[side];
      if (from !== to || this.trimmed[side].at(-1).to !== to) this.trimmed[side].push({ at: this.exact, from, to, long: (until - at) * this.rate });
    }
  }

  // Lets go of lines that ended before what is kept.
  forget() {
    for (const lines of [this.switches, this.trimmed.steered, this.trimmed.unsteered])
      while (lines.length > 1 && lines[1].at <= this.memory.from) lines.shift();
  }

  // What was heard, the level and the switch included, as int16: the same ramps as the audio graph's.
  *render(first, last, step = this.rate) {
    const share = along(this.switches), db = { steered: along(this.trimmed.steered), unsteered: along(this.trimmed.unsteered) };
    for (let at = first; at < last; at += step) {
      const end = Math.min(last, at + step);
      const steered = this.memory.part("steered", at, end), unsteered = this.memory.part("unsteered", at, end);
      for (let n = at; n < end; n++) {
        const part = share(n);
        const heard = (part && part * power(db.steered(n)) * steered[n - at]) + (part < 1 && (1 - part) * power(db.unsteered(n)) * unsteered[n - at]);
        steered[n - at] = Math.max(-32768, Math.min(32767, Math.round(heard)));
      }
      yield steered;
    }
  }

  // The same as a file.
  wav(first, last) {
    return new Blob([wavHead(2 * (last - first), this.rate), ...this.render(first, last)], { type: "audio/wav" });
  }
}

const power = (db) => (db ? 10 ** (db / 20) : 1);

// The value of lines at samples that only go on.
function along(lines) {
  let place = 0;
  return (n) => {
    while (lines[place + 1]?.at <= n) place++;
    const { at, from, to, long } = lines[place];
    return n >= at + long ? to : from + ((to - from) * Math.max(0, n - at)) / long;
  };
}
