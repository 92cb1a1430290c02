// What is seen of sound that goes on: in columns of 80 ms each side's peak and the pitch classes that sound in it.
// Both sides go through one Fourier transform, as its real and its imaginary part.
class Pitches {
  static each = 0.08;
  static wide = 8192;
  static lowest = 65;
  static highest = 2100;

  constructor(memory) {
    this.memory = memory;
    this.each = Math.round(Pitches.each * memory.rate);
    this.most = Math.ceil(memory.most / this.each) + 64;
    this.peaks = { steered: new Uint8Array(this.most), unsteered: new Uint8Array(this.most) };
    this.classes = { steered: new Uint8Array(12 * this.most), unsteered: new Uint8Array(12 * this.most) };
    this.count = this.pitched = this.loudest = 0;
    this.window = Float32Array.from({ length: Pitches.wide }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / Pitches.wide));
    this.turn = Float32Array.from({ length: Pitches.wide }, (_, n) => (n % 2 ? -1 : 1) * (n % 2 ? Math.sin : Math.cos)(((n >> 1) * 2 * Math.PI) / Pitches.wide));
    this.order = order(Pitches.wide);
  }

  get seconds() {
    return this.each / this.memory.rate;
  }

  // Whatever columns are whole by now.
  look() {
    const { memory, each } = this, middle = (Pitches.wide + each) / 2;
    for (; (this.count + 1) * each <= memory.filled; this.count++) this.peak(this.count);
    for (; this.pitched < this.count && this.pitched * each + middle <= memory.filled; this.pitched++) this.hear(this.pitched);
  }

  peak(column) {
    for (const side of ["steered", "unsteered"]) {
      let most = 0;
      for (const value of this.memory.part(side, column * this.each, (column + 1) * this.each)) most = Math.max(most, Math.abs(value));
      this.peaks[side][column % this.most] = Math.min(255, most / 128);
    }
  }

  hear(column) {
    const wide = Pitches.wide, first = Math.round(column * this.each + this.each / 2 - wide / 2);
    const re = new Float32Array(wide), im = new Float32Array(wide);
    const one = this.memory.part("steered", Math.max(0, first), first + wide), other = this.memory.part("unsteered", Math.max(0, first), first + wide);
    const skip = wide - one.length;
    for (let n = 0; n < one.length; n++) {
      const at = this.order[n + skip];
      re[at] = one[n] * this.window[n + skip];
      im[at] = other[n] * this.window[n + skip];
    }
    transform(re, im, this.turn);
    this.keep("steered", column, (k) => Math.hypot(re[k] + re[wide - k], im[k] - im[wide - k]));
    this.keep("unsteered", column, (k) => Math.hypot(im[k] + im[wide - k], re[wide - k] - re[k]));
  }

  // The peaks of a spectrum by pitch class, against the loudest of the column; what is hardly heard stays dark.
  keep(side, column, size) {
    const bin = this.memory.rate / Pitches.wide, sums = new Float64Array(12);
    const first = Math.ceil(Pitches.lowest / bin), last = Math.floor(Pitches.highest / bin);
    let before = size(first - 1), here = size(first);
    for (let k = first; k < last; k++) {
      const after = size(k + 1);
      if (here > before && here >= after) {
        const off = (0.5 * (before - after)) / (before - 2 * here + after || 1);
        sums[(Math.round(12 * Math.log2(((k + off) * bin) / 440)) + 69 + 1200) % 12] += here;
      }
      before = here;
      here = after;
    }
    const most = Math.max(...sums);
    this.loudest = Math.max(most, 0.999 * this.loudest);
    const bright = Math.sqrt(Math.min(1, (6 * most) / Math.max(1e-9, this.loudest)));
    for (let c = 0; c < 12; c++) this.classes[side][12 * (column % this.most) + c] = most ? (255 * bright * sums[c]) / most : 0;
  }
}

// Places in the order of their bits turned round.
function order(count) {
  const places = new Uint32Array(count);
  for (let n = 1; n < count; n++) places[n] = (places[n >> 1] >> 1) | (n & 1 ? count >> 1 : 0);
  return places;
}

// Cooley and Tukey's transform in place, of numbers that stand in that order; turn: cosine and minus sine by turns.
function transform(re, im, turn) {
  const count = re.length;
  for (let half = 1; half < count; half *= 2)
    for (let n = 0; n < half; n++) {
      const by = 2 * n * (count / (2 * half)), c = turn[by], s = turn[by + 1];
      for (let a = n; a < count; a += 2 * half) {
        const b = a + half, x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
}
