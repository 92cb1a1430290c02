// Everything about a pair on one time axis: waveforms, chroma, schedules and what the probes read.
const CLASSES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const GUTTER = 34;

class Tracks {
  constructor(sound, onseek) {
    this.sound = sound;
    this.picture = h("canvas");
    this.needle = h("canvas.needle", { tabindex: 0, role: "slider", "aria-label": "Playhead", "aria-valuemin": 0 });
    this.tip = h("div.tip", { hidden: true });
    this.box = h("div.tracks", {}, this.picture, this.needle, this.tip);
    this.needle.addEventListener("pointerdown", (event) => {
      this.needle.setPointerCapture(event.pointerId);
      onseek(this.timeAt(event));
    });
    this.needle.addEventListener("pointermove", (event) => {
      if (event.buttons) onseek(this.timeAt(event));
      this.hover = this.timeAt(event);
      this.explain(event);
    });
    this.needle.addEventListener("pointerleave", () => { this.hover = null; this.tip.hidden = true; this.point(); });
    new ResizeObserver(() => this.draw()).observe(this.box);
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.view = null;
    this.peaks = {};
  }

  get rows() {
    const view = this.view;
    const rows = [{ kind: "wave", side: "steered", high: 54 }, { kind: "wave", side: "unsteered", high: 54 }];
    if (view?.chroma) rows.push({ kind: "chroma", side: "steered", high: 96 }, { kind: "chroma", side: "unsteered", high: 96 });
    if (view?.curves?.length) rows.push({ kind: "curves", high: 58 });
    if (view?.probes?.length) rows.push({ kind: "probes", high: 64 });
    let top = 18;
    for (const row of rows) {
      row.top = top;
      top += row.high + 8;
    }
    rows.total = top + 14;
    return rows;
  }

  reset(seconds) {
    this.seconds = seconds;
    this.view = null;
    this.peaks = { steered: [], unsteered: [] };
    this.draw();
  }

  show(view) {
    this.view = view;
    this.draw();
  }

  x(time) {
    return GUTTER + (time / this.seconds) * (this.wide - GUTTER - 4);
  }

  timeAt(event) {
    const frame = this.needle.getBoundingClientRect();
    return Math.max(0, Math.min(this.seconds, ((event.clientX - frame.left - GUTTER) / (frame.width - GUTTER - 4)) * this.seconds));
  }

  size(canvas, wide, high) {
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(high * ratio);
    canvas.style.height = `${high}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    return pen;
  }

  draw() {
    if (!this.seconds) return;
    this.wide = this.box.clientWidth;
    if (!this.wide) return;
    const rows = this.rows;
    const pen = this.size(this.picture, this.wide, rows.total);
    this.size(this.needle, this.wide, rows.total);
    pen.font = "11px system-ui, sans-serif";
    this.axis(pen, rows.total);
    for (const row of rows) this[row.kind](pen, row);
    this.point();
  }

  axis(pen, high) {
    pen.fillStyle = studio.ink("ink-soft");
    pen.strokeStyle = studio.ink("line");
    const every = this.seconds > 16 ? 5 : this.seconds > 6 ? 2 : 1;
    for (let s = 0; s <= this.seconds + 1e-6; s += every) {
      const x = Math.round(this.x(s)) + 0.5;
      pen.beginPath();
      pen.moveTo(x, 14);
      pen.lineTo(x, high - 12);
      pen.stroke();
      pen.textAlign = s === 0 ? "left" : s >= this.seconds - 1e-6 ? "right" : "center";
      pen.fillText(`${s} s`, x, 10);
    }
    pen.textAlign = "left";
  }

  label(pen, row, text) {
    pen.save();
    pen.translate(11, row.top + row.high / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillStyle = studio.ink("ink-soft");
    pen.fillText(text, 0, 0);
    pen.restore();
  }

  wave(pen, row) {
    const samples = this.sound.samples[row.side], filled = this.sound.filled;
    this.label(pen, row, row.side === "steered" ? "steered" : "twin");
    pen.fillStyle = studio.ink(row.side === "steered" ? "steered" : "twin");
    const first = Math.floor(GUTTER), last = this.wide - 4, middle = row.top + row.high / 2;
    const per = (this.seconds * this.sound.rate) / (last - first);
    const peaks = (this.peaks[row.side] ??= []);
    for (let x = first; x < last; x++) {
      const from = Math.floor((x - first) * per), to = Math.min(filled, Math.floor((x - first + 1) * per));
      if (from >= filled) break;
      let high = 0;
      for (let n = from; n < to; n += 4) high = Math.max(high, Math.abs(samples[n]));
      peaks[x - first] = high;
      const size = Math.max(1, Math.min(1, high) * row.high);
      pen.fillRect(x, middle - size / 2, 1, size);
    }
  }

  chroma(pen, row) {
    const picture = this.view.chroma[row.side];
    this.label(pen, row, row.side === "steered" ? "steered" : "twin");
    const columns = picture[0].length, high = row.high / 12;
    const wide = (this.wide - GUTTER - 4) * (this.view.seconds / this.seconds) / columns;
    const [r, g, b] = rgb(studio.ink(row.side === "steered" ? "steered" : "twin"));
    for (let c = 0; c < 12; c++)
      for (let t = 0; t < columns; t++) {
        pen.fillStyle = `rgba(${r},${g},${b},${(picture[c][t] / 99) ** 1.6})`;
        pen.fillRect(GUTTER + t * wide, row.top + (11 - c) * high, wide + 0.6, high);
      }
    pen.font = "9px system-ui, sans-serif";
    for (const c of [0, 4, 7]) {
      pen.fillStyle = studio.ink("ink-soft");
      pen.fillText(CLASSES[c], GUTTER - 11, row.top + (12 - c) * high - 1);
    }
    this.view.targets.forEach((tones, place) => {
      pen.strokeStyle = pen.fillStyle = studio.colour(place);
      pen.lineWidth = 1.5;
      for (const c of tones) {
        const top = row.top + (11 - c) * high;
        for (const [from, to] of this.pushed(place)) pen.strokeRect(this.x(from), top, this.x(to) - this.x(from), high);
        pen.fillText(CLASSES[c], GUTTER - 11, top + high - 1);
      }
      pen.lineWidth = 1;
    });
    pen.font = "11px system-ui, sans-serif";
  }

  // Seconds in which a concept is pushed at half its strength or more, as [from, to].
  pushed(place) {
    const { levels } = this.view.curves[place];
    const half = Math.max(1e-6, ...levels.map(Math.abs)) / 2;
    const step = this.seconds / levels.length, spans = [];
    levels.forEach((level, n) => {
      if (Math.abs(level) < half) return;
      const last = spans.at(-1);
      if (last && last[1] === n) last[1] = n + 1;
      else spans.push([n, n + 1]);
    });
    return spans.map(([from, to]) => [from * step, to * step]);
  }

  curves(pen, row) {
    this.label(pen, row, "pushed");
    const most = Math.max(1e-6, ...this.view.curves.flatMap((curve) => curve.levels.map(Math.abs)));
    const lowest = Math.min(0, ...this.view.curves.flatMap((curve) => curve.levels));
    this.view.curves.forEach((curve, place) => this.trace(pen, row, curve.levels, lowest, most, studio.colour(place), true));
  }

  probes(pen, row) {
    const kind = this.view.probes[0].kind;
    this.label(pen, row, kind === "probability" ? "probe p" : "probe σ");
    const all = this.view.probes.flatMap((probe) => [...probe.steered, ...probe.unsteered]);
    const [low, high] = kind === "probability" ? [0, 1] : [Math.min(-2, ...all), Math.max(2, ...all)];
    this.view.probes.forEach((probe, place) => {
      pen.setLineDash([3, 3]);
      this.trace(pen, row, probe.unsteered, low, high, studio.colour(place), false, 0.75);
      pen.setLineDash([]);
      this.trace(pen, row, probe.steered, low, high, studio.colour(place), false);
    });
  }

  trace(pen, row, levels, low, high, colour, filled, alpha = 1) {
    const y = (v) => row.top + row.high - ((v - low) / (high - low || 1)) * row.high;
    const x = (n) => this.x(((n + 0.5) / levels.length) * (filled ? this.seconds : this.view.seconds));
    pen.globalAlpha = alpha;
    pen.beginPath();
    levels.forEach((v, n) => pen[n ? "lineTo" : "moveTo"](x(n), y(v)));
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.stroke();
    if (filled) {
      pen.lineTo(x(levels.length - 1), y(Math.max(0, low)));
      pen.lineTo(x(0), y(Math.max(0, low)));
      pen.globalAlpha = 0.15;
      pen.fillStyle = colour;
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.lineWidth = 1;
  }

  // The playhead, and where the pointer is.
  point() {
    if (!this.wide || !this.seconds) return;
    const pen = this.needle.getContext("2d");
    pen.clearRect(0, 0, this.wide, this.needle.height);
    const high = this.needle.clientHeight;
    const mark = (time, colour, width) => {
      pen.fillStyle = colour;
      pen.fillRect(this.x(time) - width / 2, 14, width, high - 26);
    };
    if (this.hover !== null && this.hover !== undefined) mark(this.hover, studio.ink("ink-soft"), 1);
    const at = this.sound.position;
    mark(at, studio.ink("ink"), 2);
    this.needle.setAttribute("aria-valuenow", at.toFixed(1));
    this.needle.setAttribute("aria-valuemax", this.seconds);
    this.needle.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${this.seconds} seconds`);
  }

  explain(event) {
    const at = this.hover, lines = [`${at.toFixed(2)} s`];
    const view = this.view;
    if (view) {
      const pick = (levels, seconds) => levels[Math.max(0, Math.min(levels.length - 1, Math.floor((at / seconds) * levels.length)))];
      if (view.chroma)
        for (const side of ["steered", "unsteered"]) {
          const column = view.chroma[side].map((row) => pick(row, view.seconds));
          lines.push(`${side === "steered" ? "steered" : "twin"}: ${CLASSES[column.indexOf(Math.max(...column))]} strongest`);
        }
      view.curves?.forEach((curve) => lines.push(`${curve.concept}: pushed ${pick(curve.levels, this.seconds).toFixed(3)}`));
      view.probes?.forEach((probe) => {
        const unit = probe.kind === "probability" ? "" : " σ";
        lines.push(`probe ${probe.concept}: ${pick(probe.steered, view.seconds).toFixed(2)}${unit}, twin ${pick(probe.unsteered, view.seconds).toFixed(2)}${unit}`);
      });
    }
    this.tip.replaceChildren(...lines.map((line) => h("div", {}, line)));
    this.tip.hidden = false;
    const frame = this.box.getBoundingClientRect();
    const left = event.clientX - frame.left;
    this.tip.style.left = `${Math.max(0, left > frame.width / 2 ? left - this.tip.offsetWidth - 12 : left + 12)}px`;
    this.tip.style.top = `${Math.max(0, event.clientY - frame.top - 20)}px`;
    this.point();
  }
}

function rgb(colour) {
  const pen = (rgb.pen ??= h("canvas").getContext("2d", { willReadFrequently: true }));
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data;
}
