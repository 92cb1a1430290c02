// How fast sound arrives, in seconds of sound a second, and how much of it must be there to play through.
class Arrival {
  constructor() {
    this.marks = [{ at: performance.now() / 1000, seconds: 0 }];
    this.sharing = 1; // listeners that the page plays for at once
    this.making = null; // seconds that the page took for the first chunk; the rest of its time was its way
    this.chunk = 0;
  }

  mark(seconds) {
    const last = this.marks.at(-1);
    if (seconds <= last.seconds) return;
    this.chunk = seconds - last.seconds;
    this.marks.push({ at: performance.now() / 1000, seconds });
  }

  // To make the first chunk takes twice its time, as the prompt is read, and comes before the others have
  // their turn; how long it was on its way tells about the network, unless "started" was held up as well.
  // From the second on the last 4 s tell; chunks that come in one go do not count twice.
  get rate() {
    const [begun, first, ...rest] = this.marks;
    if (!first) return 0;
    const last = rest.at(-1) ?? first;
    const gone = Math.max(0.01, last.at - begun.at), overall = (2 * last.seconds) / gone;
    if (!rest.length) {
      if (gone < this.making - 0.05) return 0;
      const making = Math.min(gone, this.making ?? gone);
      return Math.min((2 * last.seconds) / making / this.sharing, last.seconds / Math.max(0.001, gone - making));
    }
    const from = this.marks.slice(1, -1).findLast((one) => one.at < last.at - 4) ?? first;
    return Math.min(overall, (last.seconds - from.seconds) / Math.max(0.01, last.at - from.at));
  }

  // Each time that it ran dry makes it more careful.
  needs(left, dry = 0) {
    const rate = this.rate * (dry ? 0.75 : 0.9);
    const reserve = rate < 1.1 ? this.chunk + 0.25 : 0;
    return Math.max(0.02, Math.min(left, left * Math.max(0, 1 - rate) + reserve + dry));
  }
}
