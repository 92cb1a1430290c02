// The last ten minutes on one axis that moves: waves and pitch classes of both sides, the faders, what was heard.
const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const LEFT = 36;

class Strip {
  static nearest = 2; // seconds of the closest zoom
  static usual = 30;
  static shades = Uint8Array.from({ length: 256 }, (_, bright) => 255 * (bright / 255) ** 1.6);

  // what: { sound, pitches, faders }, asked for whenever it is drawn.
  constructor(what, onseek) {
    this.what = what;
    this.wide = Strip.usual;
    this.last = null; // the right end of what is seen; null is now
    this.canvas = h("canvas.strip", { tabindex: 0, role: "slider", "aria-label": "What is seen of the last ten minutes", "aria-valuemin": 0 });
    this.now = h("button.quiet", { type: "button", onclick: () => this.look(null) }, "Now");
    const nearer = h("button.quiet", { type: "button", "aria-label": "Zoom in", onclick: () => this.zoom(2) }, "+");
    const wider = h("button.quiet", { type: "button", "aria-label": "Zoom out", onclick: () => this.zoom(0.5) }, "−");
    this.word = h("span.small", {});
    this.box = h("div.past", {}, this.canvas, h("div.row.wrap", { role: "group", "aria-label": "What is seen" }, h("span.small", {}, "Zoom"), wider, nearer, this.now, this.word));
    this.listen(onseek);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  listen(onseek) {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.offsetX, last: this.end, moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons || !this.drag || Math.abs(event.offsetX - this.drag.x) < 4) return;
      this.drag.moved = true;
      this.look(this.drag.last - ((event.offsetX - this.drag.x) / (this.pixels - LEFT)) * this.wide);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (this.drag && !this.drag.moved) onseek(Math.max(0, this.start + ((event.offsetX - LEFT) / (this.pixels - LEFT)) * this.wide));
      this.drag = null;
    });
    canvas.addEventListener("wheel", (event) => {
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (!event.ctrlKey && !sideways) return;
      event.preventDefault();
      if (event.ctrlKey) this.zoom(2 ** (-event.deltaY / 200));
      else this.look(this.end + (sideways / this.pixels) * this.wide);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: this.end - this.wide / 4, ArrowRight: this.end + this.wide / 4, Home: this.oldest + this.wide, End: Infinity }[event.key];
      if (to === undefined && !"+-".includes(event.key)) return;
      if (to === undefined) this.zoom(event.key === "+" ? 2 : 0.5);
      else this.look(to);
      event.preventDefault();
    });
  }

  // ---- what is seen ---------------------------------------------------------------------------
  get made() {
    return this.what.sound.filled / this.what.sound.rate;
  }

  get oldest() {
    return this.what.sound.memory ? this.what.sound.memory.from / this.what.sound.rate : 0;
  }

  get end() {
    return this.last ?? Math.max(this.wide, this.made);
  }

  get start() {
    return this.end - this.wide;
  }

  look(last) {
    this.last = last === null || last >= this.made ? null : Math.max(this.oldest + Math.min(this.wide, this.made - this.oldest), last);
    this.draw();
  }

  zoom(by) {
    const middle = this.last === null ? null : this.end - this.wide / 2;
    this.wide = Math.max(Strip.nearest, Math.min(60 * Memory.minutes, this.wide / by));
    this.look(middle === null ? null : middle + this.wide / 2);
  }

  x(time) {
    return LEFT + ((time - this.start) / this.wide) * (this.pixels - LEFT);
  }

  // ---- drawing --------------------------------------------------------------------------------
  get rows() {
    const rows = [["wave", "steered", 40], ["notes", "steered", 84], ["wave", "unsteered", 40], ["notes", "unsteered", 84], ["pushes", "", 56], ["heard", "", 8]];
    let top = 26;
    return rows.map(([kind, side, high]) => {
      const row = { kind, side, high, top };
      top += high + 8;
      return row;
    });
  }

  draw() {
    this.pixels = this.canvas.clientWidth;
    if (!this.pixels) return;
    const rows = this.rows, high = rows.at(-1).top + 14, ratio = devicePixelRatio || 1;
    const pen = this.canvas.getContext("2d");
    if (this.canvas.width !== Math.round(this.pixels * ratio) || this.canvas.style.height !== `${high}px`) {
      this.canvas.width = Math.round(this.pixels * ratio);
      this.canvas.height = Math.round(high * ratio);
      this.canvas.style.height = `${high}px`;
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.pixels, high);
    pen.font = "11px system-ui, sans-serif";
    this.axis(pen, high);
    for (const row of rows) {
      this.label(pen, row);
      pen.save();
      pen.beginPath();
      pen.rect(LEFT, row.top - 1, this.pixels - LEFT, row.high + 2);
      pen.clip();
      this[row.kind](pen, row);
      pen.restore();
    }
    this.mark(pen, high);
    this.told();
  }

  told() {
    const { canvas } = this, past = this.last !== null;
    this.now.disabled = !past;
    this.word.textContent = `${Math.round(this.wide)} s are seen${past ? `, up to ${clock(this.end)}` : ""}`;
    canvas.setAttribute("aria-valuemax", Math.round(Math.max(this.made, this.end)));
    canvas.setAttribute("aria-valuenow", Math.round(this.end));
    canvas.setAttribute("aria-valuetext", `${clock(Math.max(0, this.start))} to ${clock(this.end)}`);
  }

  axis(pen, high) {
    pen.fillStyle = studio.ink("warm");
    pen.fillRect(LEFT, 0, this.pixels - LEFT, 20);
    pen.fillStyle = studio.ink("ink-soft");
    pen.strokeStyle = studio.ink("line");
    const every = [0.5, 1, 2, 5, 10, 20, 30, 60, 120].find((step) => this.wide / step <= (this.pixels - LEFT) / 60) ?? 300;
    for (let n = Math.ceil(this.start / every - 1e-6); n * every <= this.end; n++) {
      if (n < 0) continue;
      const x = Math.round(this.x(n * every)) + 0.5;
      pen.beginPath();
      pen.moveTo(x, 20);
      pen.lineTo(x, high);
      pen.stroke();
      pen.textAlign = x > this.pixels - 24 ? "right" : x < LEFT + 14 ? "left" : "center";
      pen.fillText(clock(n * every), x, 14);
    }
    pen.textAlign = "left";
  }

  label(pen, row) {
    pen.save();
    pen.translate(10, row.top + row.high / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillStyle = studio.ink("ink-soft");
    pen.fillText({ wave: "", notes: row.side, pushes: "pushed", heard: "" }[row.kind], 0, 0);
    pen.restore();
    if (row.kind !== "notes") return;
    pen.font = "9px system-ui, sans-serif";
    NAMES.forEach((name, c) => {
      const pushed = this.what.faders.find((one) => one.record.concept === name);
      if (!pushed && ![0, 4, 7].includes(c)) return;
      pen.fillStyle = pushed ? studio.colour(pushed.hue) : studio.ink("ink-soft");
      pen.fillText(name, LEFT - 15, row.top + ((12 - c) * row.high) / 12);
    });
    pen.font = "11px system-ui, sans-serif";
  }

  // The columns of a pixel: the first, and the one after its last.
  columns(x) {
    const { seconds, count } = this.what.pitches, time = (pixel) => this.start + ((pixel - LEFT) / (this.pixels - LEFT)) * this.wide;
    const first = Math.floor(time(x) / seconds);
    return [Math.max(first, Math.ceil(this.oldest / seconds)), Math.min(count, Math.max(first + 1, Math.floor(time(x + 1) / seconds)))];
  }

  wave(pen, row) {
    if (!this.what.pitches) return;
    const peaks = this.what.pitches.peaks[row.side], middle = row.top + row.high / 2;
    const level = 10 ** (this.what.sound.levelDb / 20);
    pen.fillStyle = studio.ink(row.side === "steered" ? "steered" : "twin");
    pen.beginPath();
    for (let x = LEFT; x < this.pixels; x++) {
      const [first, last] = this.columns(x);
      let most = -1;
      for (let n = first; n < last; n++) most = Math.max(most, peaks[n % peaks.length]);
      if (most < 0) continue;
      const size = Math.max(1, Math.min(1, (most / 255) * level) * row.high);
      pen.rect(x, middle - size / 2, 1, size);
    }
    pen.fill();
  }

  // As a picture of a pixel a column and a class, drawn out to its place.
  notes(pen, row) {
    if (!this.what.pitches) return;
    const { classes, most } = this.what.pitches, rows = classes[row.side], wide = this.pixels - LEFT;
    const picture = new ImageData(wide, 12), dots = new Uint32Array(picture.data.buffer);
    const [r, g, b] = inked(studio.ink(row.side === "steered" ? "steered" : "twin")), ink = (b << 16) | (g << 8) | r;
    for (let x = 0; x < wide; x++) {
      const [first, last] = this.columns(x + LEFT);
      for (let c = 0; c < 12; c++) {
        let bright = 0;
        for (let n = first; n < last; n++) bright = Math.max(bright, rows[12 * (n % most) + c]);
        if (bright) dots[(11 - c) * wide + x] = (Strip.shades[bright] << 24) | ink;
      }
    }
    const small = (this.small ??= h("canvas"));
    small.width = wide;
    small.height = 12;
    small.getContext("2d").putImageData(picture, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, LEFT, row.top, wide, row.high);
  }

  pushes(pen, row) {
    const { faders } = this.what;
    const most = Math.max(1e-6, ...faders.flatMap((one) => [one.start, ...one.moves.map((move) => move.value)]).map(Math.abs));
    const y = (value) => row.top + row.high / 2 - (value / most) * (row.high / 2 - 3);
    pen.fillStyle = studio.ink("line");
    pen.fillRect(LEFT, row.top + row.high / 2, this.pixels, 1);
    for (const one of faders) {
      pen.strokeStyle = studio.colour(one.hue);
      pen.lineWidth = 2;
      pen.beginPath();
      let level = one.start;
      pen.moveTo(this.x(one.since ?? 0), y(level));
      for (const move of one.moves) {
        pen.lineTo(this.x(move.at), y(level));
        level = move.value;
        pen.lineTo(this.x(move.at), y(level));
      }
      pen.lineTo(this.x(this.made), y(level));
      if (this.made) pen.stroke();
    }
    pen.lineWidth = 1;
  }

  // Which of the two was heard.
  heard(pen, row) {
    const { sound } = this.what, { switches, rate } = sound;
    if (!switches || !sound.filled) return;
    switches.forEach(({ at, side }, n) => {
      const from = Math.max(LEFT, this.x(at / rate)), to = this.x(Math.min(switches[n + 1]?.at ?? Infinity, sound.position * rate) / rate);
      pen.fillStyle = studio.ink(side === "steered" ? "steered" : "twin");
      if (to > from) pen.fillRect(from, row.top, to - from, row.high);
    });
  }

  // The playhead, and what is recorded.
  mark(pen, high) {
    const { sound, recording } = this.what, x = this.x(sound.position);
    if (recording !== null) {
      const from = Math.max(LEFT, this.x(recording / sound.rate));
      pen.fillStyle = studio.ink("steered");
      if (x > from) pen.fillRect(from, 17, x - from, 4);
    }
    pen.fillStyle = studio.ink("ink");
    if (sound.filled && x >= LEFT) pen.fillRect(x - 1, 18, 2, high - 18);
  }
}

const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(seconds % 1 ? 1 : 0).padStart(seconds % 1 ? 4 : 2, "0")}`;

function inked(colour) {
  const pen = (inked.pen ??= h("canvas").getContext("2d", { willReadFrequently: true }));
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data;
}
