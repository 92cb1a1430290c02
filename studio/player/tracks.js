// Everything about a pair on one time axis: waveforms, chroma, schedules and what the probes read.
const CLASSES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const GUTTER = 34;

class Tracks {
  static closest = 0.25; // seconds of the closest zoom
  static near = 12; // pixels from an edge of the region that still take hold of it

  constructor(sound, onseek, onregion) {
    this.sound = sound;
    this.picture = h("canvas");
    this.needle = h("canvas.needle", { tabindex: 0, role: "slider", "aria-label": "Playhead", "aria-valuemin": 0 });
    this.tip = h("div.tip", { hidden: true });
    this.box = h("div.tracks", {}, this.picture, this.needle, this.tip);
    this.window = [0, 1];
    this.fingers = new Map();
    this.needle.addEventListener("pointerdown", (event) => {
      this.needle.setPointerCapture(event.pointerId);
      if (event.pointerType === "touch" && this.touched(event, onseek)) return;
      this.drag = this.meant(event);
      if (!this.drag) onseek(this.timeAt(event));
    });
    this.needle.addEventListener("pointermove", (event) => {
      if (this.fingers.size > 1) return this.pinch(event);
      this.hover = this.timeAt(event);
      if (event.buttons && this.drag) this.pull(event, onregion);
      else if (event.buttons) onseek(this.hover);
      this.explain(event);
    });
    for (const kind of ["pointerup", "pointercancel"])
      this.needle.addEventListener(kind, (event) => {
        if (this.drag && !this.drag.moved && kind === "pointerup") onseek(this.timeAt(event));
        this.drag = null;
        this.fingers.delete(event.pointerId);
      });
    this.needle.addEventListener("pointerleave", () => { this.hover = null; this.tip.hidden = true; this.point(); });
    this.needle.addEventListener("wheel", (event) => {
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (!event.ctrlKey && !sideways) return;
      event.preventDefault();
      if (event.ctrlKey) this.zoom(2 ** (-event.deltaY / 200), this.timeAt(event));
      else this.move((sideways / this.needle.clientWidth) * this.wideness);
    }, { passive: false });
    new ResizeObserver(() => this.draw()).observe(this.box);
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.view = null;
  }

  // The axis is where a region is drawn: a finger needs more of it.
  get axisHigh() {
    return matchMedia("(pointer: coarse)").matches ? 44 : 22;
  }

  get rows() {
    const view = this.view;
    const rows = [{ kind: "wave", side: "steered", high: 54 }, { kind: "wave", side: "unsteered", high: 54 }];
    if (view?.notes) rows.push({ kind: "roll", side: "steered", high: 84 }, { kind: "roll", side: "unsteered", high: 84 });
    if (view?.chroma) rows.push({ kind: "chroma", side: "steered", high: 72 }, { kind: "chroma", side: "unsteered", high: 72 });
    if (view?.curves?.length) rows.push({ kind: "curves", high: 58 });
    if (view?.probes?.length) rows.push({ kind: "probes", high: 64 });
    let top = this.axisHigh + 4;
    for (const row of rows) {
      row.top = top;
      top += row.high + 8;
    }
    rows.total = top + 10;
    return rows;
  }

  reset(seconds) {
    this.seconds = seconds;
    this.window = [0, seconds];
    this.view = null;
    this.draw();
  }

  show(view) {
    this.view = view;
    this.draw();
  }

  // ---- what part of the clip is seen ----------------------------------------------------------
  get wideness() {
    return this.window[1] - this.window[0];
  }

  zoom(by, around = this.sound.position) {
    const wide = Math.min(this.seconds, Math.max(Tracks.closest, this.wideness / by));
    const share = Math.max(0, Math.min(1, (around - this.window[0]) / this.wideness));
    this.look(around - share * wide, wide);
  }

  move(seconds) {
    this.look(this.window[0] + seconds, this.wideness);
  }

  look(from, wide) {
    const first = Math.max(0, Math.min(this.seconds - wide, from));
    this.window = [first, first + wide];
    this.draw();
  }

  // Two fingers zoom and move: what was between them stays between them. What the first one sought is taken back.
  touched(event, onseek) {
    if (!this.fingers.size) this.sought = this.sound.position;
    this.fingers.set(event.pointerId, event);
    if (this.fingers.size < 2) return false;
    this.drag = null;
    this.tip.hidden = true;
    onseek(this.sought);
    return true;
  }

  pinch(event) {
    if (!this.fingers.has(event.pointerId)) return;
    const spread = ([one, other]) => Math.max(20, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
    const middle = ([one, other]) => ({ clientX: (one.clientX + other.clientX) / 2 });
    const before = [...this.fingers.values()];
    const held = this.timeAt(middle(before));
    this.fingers.set(event.pointerId, event);
    const after = [...this.fingers.values()];
    this.zoom(spread(after) / spread(before), held);
    this.move(held - this.timeAt(middle(after)));
  }

  // The clip's length once it is known for good.
  whole(seconds) {
    if (this.wideness >= Math.min(seconds, this.seconds)) this.window = [0, seconds];
    this.seconds = seconds;
    this.draw();
  }

  // The playhead turns the page when it leaves what is seen.
  follow(at) {
    if (at < this.window[0] || at > this.window[1]) this.look(at - 0.05 * this.wideness, this.wideness);
  }

  // ---- the region -----------------------------------------------------------------------------
  // A press on the axis, or with shift anywhere, is meant for the region: a new one, or an edge of it.
  meant(event) {
    if (!event.shiftKey && event.offsetY > this.axisHigh) return null;
    const edges = this.sound.region?.map((sample) => sample / this.sound.rate);
    const held = edges?.findIndex((time) => Math.abs(this.x(time) - event.offsetX) < Tracks.near) ?? -1;
    return { x: event.offsetX, fixed: held < 0 ? this.timeAt(event) : edges[1 - held], moved: held >= 0 };
  }

  pull(event, onregion) {
    if (!this.drag.moved && Math.abs(event.offsetX - this.drag.x) < 4) return;
    this.drag.moved = true;
    onregion(Math.min(this.drag.fixed, this.hover), Math.max(this.drag.fixed, this.hover));
  }

  x(time) {
    return GUTTER + ((time - this.window[0]) / this.wideness) * (this.wide - GUTTER - 4);
  }

  timeAt(event) {
    const frame = this.needle.getBoundingClientRect();
    const share = (event.clientX - frame.left - GUTTER) / (frame.width - GUTTER - 4);
    return Math.max(0, Math.min(this.seconds, this.window[0] + share * this.wideness));
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
    for (const row of rows) {
      this.label(pen, row, row.kind === "roll" ? "notes" : (row.side ?? this.title(row)));
      pen.save();
      pen.beginPath();
      pen.rect(GUTTER, row.top - 1, this.wide - GUTTER - 4, row.high + 2);
      pen.clip();
      this[row.kind](pen, row);
      pen.restore();
      if (row.kind === "chroma") this.classes(pen, row);
    }
    this.point();
  }

  title(row) {
    if (row.kind === "curves") return "pushed";
    return this.view.probes[0].kind === "probability" ? "probe p" : "probe σ";
  }

  axis(pen, high) {
    pen.fillStyle = studio.ink("warm");
    pen.fillRect(GUTTER, 0, this.wide - GUTTER - 4, this.axisHigh);
    pen.fillStyle = studio.ink("ink-soft");
    pen.strokeStyle = studio.ink("line");
    const every = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60].find((step) => this.wideness / step <= (this.wide - GUTTER) / 64) ?? 120;
    const middle = this.axisHigh / 2 + 4;
    for (let n = Math.ceil(this.window[0] / every - 1e-6); n * every <= this.window[1] + 1e-6; n++) {
      const s = n * every, x = Math.round(this.x(s)) + 0.5;
      pen.beginPath();
      pen.moveTo(x, this.axisHigh);
      pen.lineTo(x, high - 8);
      pen.stroke();
      pen.textAlign = x < GUTTER + 12 ? "left" : x > this.wide - 20 ? "right" : "center";
      pen.fillText(`${+s.toFixed(2)} s`, x + (x < GUTTER + 12 ? 3 : 0), middle);
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
    const { rate, filled } = this.sound, samples = this.sound.samples[row.side];
    pen.fillStyle = studio.ink(row.side === "steered" ? "steered" : "twin");
    const last = this.wide - 4, middle = row.top + row.high / 2;
    const begin = this.window[0] * rate, per = (this.wideness * rate) / (last - GUTTER);
    const step = per > 64 ? 4 : 1, level = 10 ** (this.sound.levelDb / 20);
    for (let x = GUTTER; x < last; x++) {
      const from = Math.floor(begin + (x - GUTTER) * per), to = Math.min(filled, Math.max(from + 1, Math.floor(begin + (x - GUTTER + 1) * per)));
      if (from >= filled) break;
      let high = 0;
      for (let n = from; n < to; n += step) high = Math.max(high, Math.abs(samples[n]));
      const size = Math.max(1, Math.min(1, high * level) * row.high);
      pen.fillRect(x, middle - size / 2, 1, size);
    }
  }

  chroma(pen, row) {
    const picture = this.view.chroma[row.side];
    const columns = picture[0].length, high = row.high / 12, each = this.view.seconds / columns;
    const [r, g, b] = rgb(studio.ink(row.side === "steered" ? "steered" : "twin"));
    const first = Math.max(0, Math.floor(this.window[0] / each)), last = Math.min(columns, Math.ceil(this.window[1] / each));
    for (let c = 0; c < 12; c++)
      for (let t = first; t < last; t++) {
        pen.fillStyle = `rgba(${r},${g},${b},${(picture[c][t] / 99) ** 1.6})`;
        pen.fillRect(this.x(t * each), row.top + (11 - c) * high, this.x((t + 1) * each) - this.x(t * each) + 0.6, high);
      }
    this.view.targets.forEach((tones, place) => {
      pen.strokeStyle = studio.colour(place);
      pen.lineWidth = 1.5;
      for (const c of tones)
        for (const [from, to] of this.pushed(place))
          pen.strokeRect(this.x(from), row.top + (11 - c) * high, this.x(to) - this.x(from), high);
    });
  }

  // Notes that a transcriber heard, over the range of both sides; what is pushed in its own colour.
  roll(pen, row) {
    const both = [...this.view.notes.steered, ...this.view.notes.unsteered].map((note) => note[2]);
    const low = Math.min(...both) - 1, count = Math.max(12, Math.max(...both) + 2 - low), each = row.high / count;
    pen.fillStyle = studio.ink("line");
    for (let pitch = Math.ceil(low / 12) * 12; pitch < low + count; pitch += 12) pen.fillRect(GUTTER, row.top + row.high - (pitch - low) * each, this.wide, 1);
    for (const [from, to, pitch, chance] of this.view.notes[row.side]) {
      const place = this.view.targets.findIndex((tones) => tones.includes(pitch % 12));
      pen.fillStyle = place < 0 ? studio.ink(row.side === "steered" ? "steered" : "twin") : studio.colour(place);
      pen.globalAlpha = (place < 0 ? 0.55 : 1) * Math.min(1, 0.35 + chance);
      pen.fillRect(this.x(from), row.top + row.high - (pitch - low + 1) * each, Math.max(2, this.x(to) - this.x(from) - 1), Math.max(2, each));
    }
    pen.globalAlpha = 1;
  }

  // The names of C, E, G and of what is pushed, left of a chromagram.
  classes(pen, row) {
    const name = (c, ink) => {
      pen.fillStyle = ink;
      pen.fillText(CLASSES[c], GUTTER - 11, row.top + ((12 - c) * row.high) / 12 - 1);
    };
    pen.font = "9px system-ui, sans-serif";
    for (const c of [0, 4, 7]) name(c, studio.ink("ink-soft"));
    this.view.targets.forEach((tones, place) => tones.forEach((c) => name(c, studio.colour(place))));
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
    const most = Math.max(1e-6, ...this.view.curves.flatMap((curve) => curve.levels.map(Math.abs)));
    const lowest = Math.min(0, ...this.view.curves.flatMap((curve) => curve.levels));
    this.view.curves.forEach((curve, place) => this.trace(pen, row, curve.levels, lowest, most, studio.colour(place), true));
  }

  probes(pen, row) {
    const { kind } = this.view.probes[0];
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

  // The region, the playhead, and where the pointer is.
  point() {
    if (!this.wide || !this.seconds) return;
    const pen = this.needle.getContext("2d"), high = this.needle.clientHeight, at = this.sound.position;
    pen.clearRect(0, 0, this.wide, this.needle.height);
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER - 2, 0, this.wide - GUTTER, high);
    pen.clip();
    if (this.sound.region) this.shade(pen, high);
    const mark = (time, colour, width) => {
      pen.fillStyle = colour;
      pen.fillRect(this.x(time) - width / 2, this.axisHigh - 4, width, high - this.axisHigh - 4);
    };
    if (this.hover !== null && this.hover !== undefined) mark(this.hover, studio.ink("ink-soft"), 1);
    mark(at, studio.ink("ink"), 2);
    pen.restore();
    this.needle.setAttribute("aria-valuenow", at.toFixed(1));
    this.needle.setAttribute("aria-valuemax", this.seconds);
    this.needle.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${+this.seconds.toFixed(1)} seconds`);
  }

  shade(pen, high) {
    const [from, to] = this.sound.region.map((sample) => this.x(sample / this.sound.rate));
    pen.globalAlpha = 0.14;
    pen.fillStyle = studio.ink("ink");
    pen.fillRect(from, 0, to - from, high - 8);
    pen.globalAlpha = 1;
    pen.fillRect(from, 0, to - from, 4);
    for (const edge of [from, to]) pen.fillRect(edge - 1.5, 0, 3, this.axisHigh);
  }

  explain(event) {
    const at = this.hover, lines = [`${at.toFixed(2)} s`];
    const view = this.view;
    if (view) {
      const pick = (levels, seconds) => levels[Math.max(0, Math.min(levels.length - 1, Math.floor((at / seconds) * levels.length)))];
      for (const side of view.notes ? ["steered", "unsteered"] : []) {
        const heard = view.notes[side].filter(([from, to]) => from <= at && at < to).map(([, , pitch]) => `${CLASSES[pitch % 12]}${Math.floor(pitch / 12) - 1}`);
        lines.push(`${side}: ${heard.join(" ") || "no note"}`);
      }
      if (view.chroma)
        for (const side of ["steered", "unsteered"]) {
          const column = view.chroma[side].map((row) => pick(row, view.seconds));
          lines.push(`${side}: ${CLASSES[column.indexOf(Math.max(...column))]} strongest`);
        }
      view.curves?.forEach((curve) => lines.push(`${curve.concept}: pushed ${pick(curve.levels, this.seconds).toFixed(3)}`));
      view.probes?.forEach((probe) => {
        const unit = probe.kind === "probability" ? "" : " σ";
        lines.push(`probe ${probe.concept}: ${pick(probe.steered, view.seconds).toFixed(2)}${unit}, unsteered ${pick(probe.unsteered, view.seconds).toFixed(2)}${unit}`);
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
