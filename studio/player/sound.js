// Two clips that sound as one: both play sample-aligned all the time, a 15 ms ramp chooses which is heard.
// All is scheduled in whole samples of the context's clock. Whatever begins or ends does so in a ramp,
// and what plays already is never begun anew: the next stretch starts where this one ends.
const RAMP = 0.015;

class PairSound {
  static edge = 0.01; // seconds of ramp where sound begins, ends, or meets its own beginning
  static soon = 0.03; // seconds from a wish to its sound
  static glide = 1; // dB a second that the level may move while somebody listens
  static shortest = 0.1; // seconds of the shortest region
  static still = { from: 0, to: 0, at: 0, until: 1 };

  static bytes(text) {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }

  // The integers that a decoder made floats of. Some divide what is above zero by 32767: what gives integers is right.
  static integers(samples) {
    const off = (scale) => samples.reduce((sum, v) => sum + (v > 0 ? Math.abs(v * scale - Math.round(v * scale)) : 0), 0);
    const above = off(32767) < off(32768) ? 32767 : 32768;
    return Int16Array.from(samples, (v) => Math.min(32767, Math.round(v * (v > 0 ? above : 32768))));
  }

  constructor() {
    this.side = "steered";
    this.loop = true;
    this.matching = true;
    this.patient = false; // waits until the clip can be played through
    this.loud = 1;
    this.clear(32000, 1);
  }

  // Sound may start only after a gesture: call this from a click or a key.
  wake() {
    if (!this.context || this.context.sampleRate !== this.rate) {
      this.context?.close();
      const context = (this.context = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" }));
      this.split = context.createChannelSplitter(2);
      this.output = context.createGain();
      this.analyser = context.createAnalyser();
      this.analyser.fftSize = 4096;
      this.speaker = context.createGain();
      this.speaker.gain.value = this.loud;
      this.output.connect(this.analyser).connect(this.speaker).connect(context.destination);
      this.trims = { steered: context.createGain(), unsteered: context.createGain() };
      this.gains = { steered: context.createGain(), unsteered: context.createGain() };
      ["steered", "unsteered"].forEach((side, place) => {
        this.split.connect(this.trims[side], place);
        this.trims[side].connect(this.gains[side]).connect(this.output);
        this.gains[side].gain.value = side === this.side ? 1 : 0;
      });
      this.settle(true);
    }
    return this.context.resume();
  }

  clear(rate, seconds) {
    this.stop();
    this.rate = rate;
    this.edge = Math.round(PairSound.edge * rate);
    this.length = Math.round(rate * seconds);
    const room = Math.min(this.length, 60 * rate);
    this.samples = { steered: new Float32Array(room), unsteered: new Float32Array(room) };
    this.whole = { steered: new Int16Array(room), unsteered: new Int16Array(room) };
    this.filled = 0;
    this.complete = false;
    this.region = null;
    this.levelDb = this.matchDb = 0;
    this.levels = { steered: PairSound.still, unsteered: PairSound.still };
    this.held = 0;
    this.dry = 0;
    this.arrival = new Arrival();
  }

  // An audio event's samples by side, int16. Two sides in one FLAC stream need the browser's decoder.
  async unpack(chunk) {
    if (chunk.encoding !== "flac") return { steered: unpack(chunk.steered), unsteered: unpack(chunk.unsteered) };
    const decoder = new OfflineAudioContext(2, 1, this.rate);
    const sound = await decoder.decodeAudioData(PairSound.bytes(chunk.flac).buffer);
    return { steered: PairSound.integers(sound.getChannelData(0)), unsteered: PairSound.integers(sound.getChannelData(1)) };
  }

  // Adds an audio event, or what `unpack` made of one.
  append(chunk) {
    const raw = typeof chunk.steered === "string";
    const rows = raw ? { steered: unpack(chunk.steered), unsteered: unpack(chunk.unsteered) } : chunk;
    const count = Math.min(rows.steered.length, this.length - this.filled);
    this.grow(this.filled + count);
    for (const side of ["steered", "unsteered"]) {
      this.whole[side].set(rows[side].subarray(0, count), this.filled);
      const into = this.samples[side];
      for (let n = 0; n < count; n++) into[this.filled + n] = rows[side][n] / 32768;
    }
    this.filled += count;
    this.arrival.mark(this.filled / this.rate);
    this.extend();
    this.begin();
  }

  grow(needed) {
    const room = this.whole.steered.length;
    if (needed <= room) return;
    for (const kind of [this.samples, this.whole])
      for (const side of ["steered", "unsteered"]) {
        const more = new kind[side].constructor(Math.min(this.length, Math.max(needed, 2 * room)));
        more.set(kind[side].subarray(0, this.filled));
        kind[side] = more;
      }
  }

  finish() {
    this.complete = true;
    this.length = this.filled;
    if (this.region?.[1] > this.length) this.region = null;
    for (const kind of [this.samples, this.whole])
      for (const side of ["steered", "unsteered"]) kind[side] = kind[side].length > this.filled ? kind[side].slice(0, this.filled) : kind[side];
    this.extend();
    this.begin();
  }

  // Another clip instead of this one, heard from the same moment on.
  swap({ whole, rate, levelDb, matchDb }) {
    const { playing, position } = this;
    if (rate !== this.rate) this.stop();
    this.rate = rate;
    this.edge = Math.round(PairSound.edge * rate);
    this.whole = { ...whole };
    this.samples = Object.fromEntries(["steered", "unsteered"].map((side) =>
      [side, Float32Array.from(whole[side], (value) => value / 32768)]));
    this.filled = this.length = whole.steered.length;
    this.complete = true;
    this.levelDb = levelDb;
    this.matchDb = matchDb;
    if (this.region && this.region[1] > this.length) this.region = null;
    if (this.context?.sampleRate !== rate) this.wake();
    if (playing) this.play(position);
    else {
      this.held = Math.min(position, this.duration);
      this.settle(true);
    }
  }

  get duration() {
    return this.length / this.rate;
  }

  get position() {
    return this.voice ? this.sampleAt(this.frame) / this.rate : this.held;
  }

  // The next sample that the context will play.
  get frame() {
    return Math.round(this.context.currentTime * this.rate);
  }

  get waiting() {
    return this.playing && !this.voice;
  }

  // ---- playing ------------------------------------------------------------------------------
  play(from = this.held) {
    if (from >= this.duration - 0.01 && this.complete) from = (this.region?.[0] ?? 0) / this.rate;
    this.playing = true;
    this.held = from;
    if (this.ready < 1) this.fade();
    this.begin(true);
  }

  // Begins at `held` once there is enough; a seek does so while something plays.
  begin(seeks = false) {
    if (!this.playing || (this.voice && !seeks) || this.ready < 1) return;
    if (this.complete && this.held >= this.duration) return this.over();
    this.start(Math.round(this.held * this.rate), this.frame + Math.round(PairSound.soon * this.rate));
    this.settle(true);
    this.onstart?.();
  }

  // How much there is of what has to be there to play on without a gap, 0 to 1.
  get ready() {
    const first = Math.round(this.held * this.rate);
    if (this.filled >= this.length) return 1;
    if (!this.patient || this.filled <= first) return this.filled > first ? 1 : 0;
    const needed = this.arrival.needs((this.length - first) / this.rate, this.dry);
    return Math.min(1, (this.filled - first) / this.rate / needed);
  }

  // A voice is one stretch of playing: `spans` say which samples sound when.
  start(first, at) {
    this.fade(at);
    const fade = this.context.createGain();
    fade.connect(this.split);
    this.voice = { fade, spans: [], first, next: first, until: at, tail: null, loops: false, fresh: true };
    this.extend();
    if (this.voice.fresh) this.ended(this.voice);
  }

  // Schedules what there is. The last 10 ms of it fade out, and are taken back when more comes in time.
  extend() {
    const { voice } = this;
    if (!voice || voice.loops) return;
    voice.spans = voice.spans.filter((one, place, all) => !all[place + 1] || all[place + 1].at > this.frame);
    const stop = this.loop && this.region && voice.first < this.region[1] ? this.region[1] : this.length;
    if (voice.tail && voice.tail.last < stop && !this.takeBack(voice)) return;
    const end = Math.min(this.filled, stop), solid = end - this.edge;
    if (solid > voice.next) this.add(voice, solid);
    if (end > voice.next) voice.tail = this.add(voice, end, true);
    if (end === stop && this.loop) return this.round(voice);
    if (voice.tail) voice.tail.source.onended = () => this.voice === voice && this.ended(voice);
  }

  takeBack(voice) {
    const { tail } = voice;
    if (tail.at < this.frame + 0.01 * this.rate) return false;
    tail.source.onended = null;
    tail.source.stop();
    voice.spans.pop();
    voice.next = tail.first;
    voice.until = tail.at;
    voice.tail = null;
    return true;
  }

  // From the end of this pass on, the region or the whole clip goes round by itself.
  round(voice) {
    const [first, last] = this.region ?? [0, this.length];
    if (voice.tail) voice.tail.source.onended = null;
    voice.loops = true;
    voice.next = first;
    this.add(voice, last, true, true);
  }

  add(voice, last, down = false, loops = false) {
    const first = voice.next, up = loops || voice.fresh;
    const source = this.context.createBufferSource();
    source.buffer = this.buffer(first, last, up, down);
    source.loop = loops;
    source.connect(voice.fade);
    source.start(voice.until / this.rate);
    const span = { source, first, last, loops, at: voice.until };
    voice.spans.push(span);
    voice.fresh = false;
    voice.next = last;
    voice.until += last - first;
    return span;
  }

  // Both sides as one buffer of two channels, with a ramp at either end where it is asked for.
  buffer(first, last, up, down) {
    const count = last - first, edge = Math.min(this.edge, count);
    const made = this.context.createBuffer(2, count, this.rate);
    ["steered", "unsteered"].forEach((side, place) => {
      const row = this.part(side, first, last);
      for (let n = 0; n < edge; n++) {
        if (up) row[n] *= n / edge;
        if (down) row[count - 1 - n] *= n / edge;
      }
      made.copyToChannel(row, place);
    });
    return made;
  }

  part(side, first, last) {
    return this.samples[side].slice(first, last);
  }

  sampleAt(frame) {
    const { spans } = this.voice;
    const span = spans.findLast((one) => one.at <= frame) ?? spans[0];
    const gone = Math.max(0, frame - span.at), count = span.last - span.first;
    return span.first + (span.loops ? gone % count : Math.min(gone, count));
  }

  // The last sound of a voice is over: there is no more of it yet, or the clip has ended.
  ended(voice) {
    this.held = voice.next / this.rate;
    this.voice = null;
    voice.fade.disconnect();
    if (voice.next >= this.length) return this.over();
    this.dry++;
    this.onwait?.();
    this.begin();
  }

  over() {
    if (this.loop) return this.play(this.duration);
    this.playing = false;
    this.held = 0;
    this.onover?.();
  }

  // Ends the voice in a ramp that begins at a sample of the clock.
  fade(at = this.context ? this.frame + Math.round(0.005 * this.rate) : 0) {
    const { voice } = this;
    if (!voice) return;
    this.voice = null;
    const end = (at + this.edge) / this.rate;
    voice.fade.gain.setValueAtTime(1, at / this.rate);
    voice.fade.gain.linearRampToValueAtTime(0, end);
    for (const { source } of voice.spans) {
      source.onended = null;
      source.stop(end);
    }
    setTimeout(() => voice.fade.disconnect(), 500);
  }

  pause() {
    this.held = this.position;
    this.stop();
  }

  stop() {
    this.fade();
    this.playing = false;
  }

  seek(seconds) {
    const to = Math.max(0, Math.min(seconds, this.filled / this.rate));
    if (this.playing) this.play(to);
    else this.held = to;
  }

  setLoop(loop) {
    this.loop = loop;
    this.again();
  }

  // A stretch in seconds that is played again and again, or null for the whole clip.
  setRegion(from, to) {
    const [first, last] = [from, to].map((time) => Math.round(Math.max(0, Math.min(time, this.duration)) * this.rate));
    this.region = last - first >= PairSound.shortest * this.rate ? [first, last] : null;
    const at = this.position * this.rate;
    if (this.region && this.loop && (at < first || at >= last)) this.seek(first / this.rate);
    else this.again();
  }

  // The same moment by a new plan: the ramps of the old voice and the new one add up to what was there.
  again() {
    if (!this.voice) return;
    const at = this.frame + Math.round(PairSound.soon * this.rate);
    this.start(Math.min(this.sampleAt(at), this.filled), at);
  }

  // ---- level --------------------------------------------------------------------------------
  heard(side) {
    this.side = side;
    if (!this.context) return;
    const now = this.context.currentTime;
    for (const [name, { gain }] of Object.entries(this.gains)) {
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(gain.value, now);
      gain.linearRampToValueAtTime(name === side ? 1 : 0, now + RAMP);
    }
    this.settle();
  }

  // One gain for the pair; with "match", the louder of the two is turned down besides.
  get targets() {
    const db = this.matching ? this.matchDb : 0;
    return { steered: this.levelDb + Math.min(0, db), unsteered: this.levelDb + Math.min(0, -db) };
  }

  // The level that is heard glides to its target; one that nobody hears is there at once.
  settle(quick = false) {
    if (!this.context) return;
    const now = this.context.currentTime, power = (db) => 10 ** (db / 20);
    for (const [side, to] of Object.entries(this.targets)) {
      const old = this.levels[side];
      const from = old.to + (old.from - old.to) * Math.max(0, Math.min(1, (old.until - now) / (old.until - old.at)));
      const silent = quick || side !== this.side || !this.voice;
      const until = now + Math.max(RAMP, silent ? 0 : Math.abs(to - from) / PairSound.glide);
      const { gain } = this.trims[side];
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(power(from), now);
      gain.exponentialRampToValueAtTime(power(to), until);
      this.levels[side] = { from, to, at: now, until };
    }
  }

  // 0 to 1, as the hand on a slider means it.
  setVolume(value) {
    this.loud = value ** 2;
    if (this.context) this.speaker.gain.setTargetAtTime(this.loud, this.context.currentTime, RAMP);
  }
}

function unpack(text) {
  return new Int16Array(PairSound.bytes(text).buffer);
}
