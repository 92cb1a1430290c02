// Two clips that sound as one: both play sample-aligned all the time, a 15 ms ramp chooses which is heard.
const RAMP = 0.015;

class PairSound {
  constructor() {
    this.side = "steered";
    this.loop = true;
    this.matching = true;
    this.matchDb = 0;
    this.clear(32000, 1);
  }

  // Sound may start only after a gesture: call this from a click or a key.
  wake() {
    if (!this.context || this.context.sampleRate !== this.rate) {
      this.context?.close();
      this.context = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
      this.output = this.context.createGain();
      this.analyser = this.context.createAnalyser();
      this.analyser.fftSize = 4096;
      this.output.connect(this.analyser).connect(this.context.destination);
      this.gains = { steered: this.context.createGain(), unsteered: this.context.createGain() };
      for (const gain of Object.values(this.gains)) gain.connect(this.output);
      this.level(0);
    }
    return this.context.resume();
  }

  clear(rate, seconds) {
    this.stop();
    this.rate = rate;
    this.length = Math.round(rate * seconds);
    this.samples = { steered: new Float32Array(this.length), unsteered: new Float32Array(this.length) };
    this.whole = { steered: new Int16Array(this.length), unsteered: new Int16Array(this.length) };
    this.filled = 0;
    this.complete = false;
    this.matchDb = 0;
    this.held = 0;
  }

  append(chunk) {
    const rows = { steered: unpack(chunk.steered), unsteered: unpack(chunk.unsteered) };
    const count = Math.min(rows.steered.length, this.length - this.filled);
    for (const side of ["steered", "unsteered"]) {
      this.whole[side].set(rows[side].subarray(0, count), this.filled);
      const into = this.samples[side];
      for (let n = 0; n < count; n++) into[this.filled + n] = rows[side][n] / 32768;
    }
    const from = this.filled;
    this.filled += count;
    if (this.playing && count) this.follow(from);
  }

  finish() {
    this.complete = true;
    if (this.filled < this.length) {
      this.length = this.filled;
      for (const side of ["steered", "unsteered"]) {
        this.samples[side] = this.samples[side].subarray(0, this.filled);
        this.whole[side] = this.whole[side].subarray(0, this.filled);
      }
    }
  }

  get duration() {
    return this.length / this.rate;
  }

  get position() {
    if (!this.playing) return this.held;
    const at = this.from + (this.context.currentTime - this.began);
    if (this.looping) return this.duration ? ((at % this.duration) + this.duration) % this.duration : 0;
    return Math.max(this.from, Math.min(at, this.filled / this.rate));
  }

  // What has been made is waited for, not skipped: where the sound ran dry, the clock stands still.
  play(from = this.held) {
    this.stop();
    if (from >= this.duration - 0.01 && this.complete) from = 0;
    this.playing = true;
    this.from = from;
    this.began = this.context.currentTime + 0.03;
    this.looping = this.complete && this.loop;
    const at = Math.round(from * this.rate);
    if (this.looping) this.sources = this.start(0, this.length, this.began, from, true);
    else if (this.filled > at) {
      this.sources = this.start(at, this.filled, this.began);
      this.until = this.began + (this.filled - at) / this.rate;
    } else this.until = this.began;
    if (!this.looping && this.complete) this.endWhenOver();
  }

  follow(from) {
    const now = this.context.currentTime;
    if (this.until < now + 0.005) {
      this.from = from / this.rate;
      this.began = now + 0.06;
      this.until = this.began;
      this.dry = (this.dry ?? -1) + 1;
    }
    this.sources.push(...this.start(from, this.filled, this.until));
    this.until += (this.filled - from) / this.rate;
  }

  start(first, last, when, offset = 0, loop = false) {
    return ["steered", "unsteered"].map((side) => {
      const buffer = this.context.createBuffer(1, last - first, this.rate);
      buffer.copyToChannel(this.samples[side].subarray(first, last), 0);
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.loop = loop;
      source.connect(this.gains[side]);
      source.start(when, offset);
      return source;
    });
  }

  endWhenOver() {
    const last = this.sources.at(-1);
    if (last) last.onended = () => this.playing && this.sources.at(-1) === last && this.over();
  }

  over() {
    this.stop();
    this.held = 0;
    this.onover?.();
  }

  pause() {
    const at = this.position;
    this.stop();
    this.held = at;
  }

  seek(seconds) {
    const to = Math.max(0, Math.min(seconds, this.filled / this.rate));
    if (this.playing) this.play(to);
    this.held = to;
  }

  setLoop(loop) {
    this.loop = loop;
    if (this.playing && this.complete) this.play(this.position);
  }

  stop() {
    for (const source of this.sources ?? []) {
      source.onended = null;
      source.stop();
      source.disconnect();
    }
    this.sources = [];
    this.playing = false;
    this.looping = false;
  }

  heard(side) {
    this.side = side;
    this.level(RAMP);
  }

  // The louder of the two is turned down, so that nothing clips.
  get trims() {
    const db = this.matching ? this.matchDb : 0;
    return { steered: 10 ** (Math.min(0, db) / 20), unsteered: 10 ** (Math.min(0, -db) / 20) };
  }

  level(ramp = RAMP) {
    if (!this.context) return;
    const now = this.context.currentTime;
    for (const [side, node] of Object.entries(this.gains)) {
      const target = side === this.side ? this.trims[side] : 0;
      node.gain.cancelScheduledValues(now);
      node.gain.setValueAtTime(node.gain.value, now);
      node.gain.linearRampToValueAtTime(target, now + ramp);
    }
  }
}

function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Int16Array(bytes.buffer);
}
