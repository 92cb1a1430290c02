// Plays while it is made; faders act on what comes next, and every move is kept.
const root = element.querySelector(".live");
const take = new PairSound();
take.loop = false;
let session = null, controller = null, faders = [], moves = [], current = null;

const start = h("button.go", { type: "button", onclick: begin }, "Play live");
const halt = h("button.stop", { type: "button", hidden: true, onclick: () => session && studio.quick("stop", session) }, "Stop");
const word = h("p.state", { role: "status" }, "The concepts of the Studio tab become faders. What you move is heard a moment later, and kept.");
const desk = h("div.faders");
const strip = h("canvas.strip", { role: "img", "aria-label": "The moves over time" });
const after = h("div.row.after", { hidden: true },
  h("button.quiet", { type: "button", onclick: compare }, "Hear this take beside the unsteered one"),
  h("span.small", {}, "The moves are part of the recipe: its link plays them again."));
root.append(h("div.head", {}, h("h2", {}, "Live"), word), h("div.row", {}, start, halt), desk, strip, after);

function arrange(recipe) {
  if (session) return;
  faders = recipe.interventions.map((one, place) => {
    const widest = Math.max(0.12, Math.abs(one.coefficient));
    const out = h("output.value", {}, one.coefficient.toFixed(3));
    const input = h("input.fader", { type: "range", min: -widest, max: widest, step: 0.005, "aria-label": `Strength of ${one.concept}, live`, "aria-orientation": "vertical" });
    input.value = one.coefficient;
    input.addEventListener("input", () => {
      out.textContent = (+input.value).toFixed(3);
      send(place, +input.value);
    });
    const zero = h("button.quiet", { type: "button", "aria-label": `${one.concept} to zero`, onclick: () => { input.value = 0; input.dispatchEvent(new Event("input")); } }, "to 0");
    return { place, value: one.coefficient, start: one.coefficient, box: h("div.strip-fader", { style: `--colour: var(--concept-${(place % 6) + 1})` }, out, input, zero, h("strong", {}, one.concept)) };
  });
  desk.replaceChildren(...faders.map((one) => one.box));
  if (!faders.length) desk.append(h("p.empty", {}, "Add a concept in the Studio tab first."));
}

function send(place, value) {
  faders[place].value = value;
  if (!session) {
    faders[place].start = value;
    return;
  }
  moves.push({ at: take.filled / take.rate, place, value });
  const now = faders[place];
  clearTimeout(now.timer);
  now.timer = setTimeout(() => session && studio.quick("move", session, place, now.value).catch((failure) => (word.textContent = failure.message)), 25);
  draw();
}

async function begin() {
  if (!studio.recipe) return;
  studio.say("hush");
  const recipe = studio.copy(studio.recipe);
  faders.forEach((one) => (recipe.interventions[one.place].coefficient = one.value));
  recipe.moves = [];
  faders.forEach((one) => (one.start = one.value));
  moves = [];
  current = null;
  after.hidden = true;
  start.hidden = true;
  halt.hidden = false;
  controller = new AbortController();
  await take.wake();
  try {
    await studio.stream("play_live", [recipe], heard, controller.signal);
  } catch (failure) {
    if (failure.name !== "AbortError") word.textContent = failure.message;
  }
  session = null;
  start.hidden = false;
  halt.hidden = true;
}

function heard(event) {
  if (event.event === "waiting") word.textContent = `You are number ${event.place} in line …`;
  if (event.event === "error") word.textContent = event.message;
  if (event.event === "started") {
    session = event.session;
    take.clear(event.sample_rate, event.seconds);
    take.wake();
    word.textContent = "Playing: move the faders.";
  }
  if (event.event === "audio") {
    const first = !take.filled;
    take.append(event);
    if (first && take.filled) take.play(0);
    draw();
  }
  if (event.event === "done" || event.event === "stopped") {
    take.finish();
    if (event.event === "stopped") take.pause();
    current = event.clip ? event : null;
    after.hidden = !current;
    word.textContent = current ? `Kept, with ${current.recipe.moves.length} moves.` : "Stopped before there was any sound.";
    session = null;
  }
}

function compare() {
  take.pause();
  studio.say("load", { recipe: current.recipe });
  studio.say("take", { samples: take.whole, rate: take.rate, event: current });
  document.querySelector(".tabs button[role=tab], button[role=tab]")?.click();
}

function draw() {
  const wide = strip.clientWidth, high = 90, ratio = devicePixelRatio || 1;
  strip.width = wide * ratio;
  strip.height = high * ratio;
  const pen = strip.getContext("2d");
  pen.scale(ratio, ratio);
  const seconds = take.length / take.rate;
  const x = (t) => (t / seconds) * wide;
  const made = take.filled / take.rate;
  pen.fillStyle = studio.ink("line");
  for (let t = 0; t < made; t += seconds / (wide / 2)) {
    let peak = 0;
    const from = Math.floor(t * take.rate);
    for (let n = from; n < from + 400 && n < take.filled; n += 8) peak = Math.max(peak, Math.abs(take.samples.steered[n]));
    pen.fillRect(x(t), high / 2 - peak * high / 2, 1.4, Math.max(1, peak * high));
  }
  const most = Math.max(0.12, ...faders.map((one) => Math.abs(one.value)), ...moves.map((one) => Math.abs(one.value)));
  for (const one of faders) {
    pen.strokeStyle = studio.colour(one.place);
    pen.lineWidth = 2;
    pen.beginPath();
    const y = (v) => high / 2 - (v / most) * (high / 2 - 4);
    let level = one.start;
    pen.moveTo(0, y(level));
    for (const move of moves.filter((move) => move.place === one.place)) {
      pen.lineTo(x(move.at), y(level));
      level = move.value;
      pen.lineTo(x(move.at), y(level));
    }
    pen.lineTo(x(made), y(level));
    pen.stroke();
  }
}

studio.on("recipe", arrange);
if (studio.recipe) arrange(studio.recipe);
addEventListener("pagehide", () => controller?.abort());
