// The player: starts as soon as the clip can be played through, switches at the playhead, keeps the last takes.
const sound = (studio.sound = new PairSound());
const root = element.querySelector(".listen");
const TAKES = 10, TAKE_BYTES = 60e6, STEP = 1;
let controller = null;
let session = null;
let run = 0;
const takes = [];
let current = null, before = null;
let made = 0;
let busy = false;
let title = null;
sound.patient = true;

// ---- the parts ------------------------------------------------------------------------------
const play = h("button.play", { type: "button", "aria-label": "Play", onclick: toggle }, "▶");
const sides = h("div.sides", { role: "radiogroup", "aria-label": "Which of the two is heard" },
  side("steered", "Steered"), side("unsteered", "Unsteered"));
const loop = quiet("Loop", "Play again and again, from end to beginning (l)", () => { sound.setLoop(!sound.loop); shown(); });
const match = quiet("Match", "Play both at one loudness (m)", () => { sound.matching = !sound.matching; sound.settle(true); shown(); });
const clock = h("output.clock", { "aria-live": "off" }, "0:00.0 / 0:00.0");
const volume = h("input.volume", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Volume", oninput: () => setVolume(+volume.value) });
const from = quiet("From here", "Loop from the playhead on ([)", () => region(sound.position, sound.region ? sound.region[1] / sound.rate : sound.duration));
const to = quiet("To here", "Loop up to the playhead (])", () => region(sound.region ? sound.region[0] / sound.rate : 0, sound.position));
const whole = quiet("Whole clip", "Loop the whole clip again (Escape)", () => region(0, 0));
const part = h("span.small", { role: "status" });
const teach = quiet("Teach this part", "Takes these seconds, of the side that is heard, to the Teach tab: they have what you mean, the rest has not", () => {
  const [start, end] = sound.region.map((sample) => sample / sound.rate);
  studio.say("span", { take: current.event.clip, name: current.name, side: sound.side, start, end, samples: sound.whole[sound.side], rate: sound.rate });
  say("These seconds stand in the Teach tab.");
});
const nearer = quiet("+", "Zoom in (+)", () => tracks.zoom(2));
const wider = quiet("−", "Zoom out (−)", () => tracks.zoom(0.5));
const bar = h("progress", { max: 1, value: 0, "aria-label": "Progress of the clip" });
const word = h("p.state", { role: "status" }, "Choose a preset, or press Generate.");
const legend = h("div.legend");
const tracks = new Tracks(sound, (time) => { sound.seek(time); tracks.point(); }, region);
const about = h("p.about.small", {}, "Notes are what a transcriber hears. In songs whose score is known 58 % of them are right, and 69 % of the score is heard; as the sketch's codec holds them 43 and 45 %.");
const row = h("div.takes.row", { role: "group", "aria-label": "Takes so far" });
const back = quiet("Take before", "Switch between the last two takes (t)", () => before && choose(before));
const edit = quiet("Edit this one", "Put its recipe into the editor", () => studio.say("load", { recipe: current.event.recipe }));
const kept = h("section.kept", { hidden: true }, h("div.row.wrap", {}, h("h3.eyebrow", {}, "Takes"), back, edit), row);
const first = h("button.go", { type: "button", }, "▶ Hear it");
first.onclick = example;
const invitation = h("p.big", {}, "The same music twice, once with a push");
const empty = h("div.hollow", {}, invitation, first,
  h("p", {}, "A pair that was made beforehand. Both sides were made in one pass, with the same noise."));
const deck = h("div.deck", { hidden: true },
  h("div.transport", {}, play, sides, h("div.row", {}, loop, match), clock),
  tracks.box, legend, about,
  h("div.tools", {},
    h("label.row", {}, h("span.small", {}, "Volume"), volume),
    h("div.row", { role: "group", "aria-label": "Zoom" }, h("span.small", {}, "Zoom"), wider, nearer),
    h("div.row", { role: "group", "aria-label": "Region to loop" }, h("span.small", {}, "Loop"), from, to, whole, teach, part)),
  h("p.keys.small", {}, ...[["space", "play"], ["x", "switch"], ["l", "loop"], ["m", "match"], ["← →", "seek"], ["[ ]", "region"], ["+ −", "zoom"], ["t", "take before"]]
    .map(([key, text]) => h("span", {}, h("kbd", {}, key), ` ${text} `)), h("span", {}, "or drag on the seconds to loop a part")),
  kept);
const up = h("button.quiet.up", { type: "button", hidden: true, onclick: toPresets }, "↑ Presets");
root.append(h("div.head", {}, h("h2", {}, "Listen"), word, up), bar, empty, deck);
bar.hidden = true;

// Where the panels stand below each other, the presets are a long way up.
function toPresets() {
  const preset = document.querySelector(".compose .preset");
  preset.scrollIntoView({ block: "center" });
  preset.focus({ preventScroll: true });
}

function side(name, text) {
  return h("button", { type: "button", role: "radio", "data-side": name, "aria-checked": name === "steered", tabindex: name === "steered" ? 0 : -1, onclick: () => hear(name) }, text);
}

function quiet(text, title, act) {
  const label = text.length < 2 ? { "aria-label": title } : {};
  return h("button.quiet", { type: "button", title, onclick: act, ...label }, text);
}

function hear(name) {
  sound.heard(name);
  for (const button of sides.children) {
    button.setAttribute("aria-checked", button.dataset.side === name);
    button.tabIndex = button.dataset.side === name ? 0 : -1;
  }
}

function toggle() {
  if (!sound.filled) return;
  sound.wake();
  if (sound.playing) sound.pause();
  else sound.play();
  shown();
}

function region(start, end) {
  sound.setRegion(start, end);
  if (sound.region && !sound.loop) sound.setLoop(true);
  shown();
  tracks.point();
}

function setVolume(percent) {
  sound.setVolume(percent / 100);
  volume.setAttribute("aria-valuetext", `${percent} %`);
  try {
    localStorage.setItem("studio-volume", percent);
  } catch {
    // It is not remembered, then.
  }
}

function rememberedVolume() {
  try {
    return +(localStorage.getItem("studio-volume") ?? 100);
  } catch {
    return 100;
  }
}
volume.value = rememberedVolume();
setVolume(+volume.value);

function shown() {
  play.textContent = sound.playing ? "❚❚" : "▶";
  play.setAttribute("aria-label", sound.playing ? "Pause" : "Play");
  loop.setAttribute("aria-pressed", sound.loop);
  match.setAttribute("aria-pressed", sound.matching);
  const db = Math.abs(sound.matchDb);
  match.textContent = sound.complete && db >= 0.1 ? `Match (${sound.matchDb > 0 ? "unsteered" : "steered"} −${db.toFixed(1)} dB)` : "Match";
  const [start, end] = sound.region?.map((sample) => sample / sound.rate) ?? [];
  whole.disabled = !sound.region;
  teach.hidden = !sound.region || !current || !sound.complete;
  part.textContent = sound.region ? `${start.toFixed(1)} to ${end.toFixed(1)} s` : "";
  progress();
}
sound.onover = sound.onwait = shown;

(function frame() {
  if (!root.isConnected) return;
  if (sound.playing) {
    tracks.follow(sound.position);
    tracks.point();
  }
  clock.textContent = `${studio.time(sound.position)} / ${studio.time(sound.duration)}`;
  requestAnimationFrame(frame);
})();

// ---- keys, on the whole tab -----------------------------------------------------------------
const KEYS = {
  " ": toggle,
  x: () => hear(sound.side === "steered" ? "unsteered" : "steered"),
  l: () => loop.click(),
  m: () => match.click(),
  t: () => back.click(),
  "[": () => from.click(),
  "]": () => to.click(),
  "+": () => nearer.click(),
  "=": () => nearer.click(),
  "-": () => wider.click(),
  Escape: () => whole.click(),
  ArrowLeft: () => seek(-STEP), ArrowRight: () => seek(STEP),
  Home: () => seek(-Infinity), End: () => seek(Infinity),
};
const MOVES = ["ArrowLeft", "ArrowRight", "Home", "End"];
let byPointer = false;
document.addEventListener("pointerdown", () => (byPointer = true), true);
document.addEventListener("keydown", (event) => { if (event.key === "Tab") byPointer = false; }, true);
document.addEventListener("keydown", pressed);
document.addEventListener("keyup", (event) => { if (event.key === " " && ours(event)) event.preventDefault(); });

// A key belongs to the player unless what has the focus has a use for it. A button that was clicked keeps
// the focus, but space is then meant for the music; one that was reached by Tab is pressed by it.
function ours({ key, target, ctrlKey, metaKey, altKey }) {
  if (!root.isConnected) return false;
  if (ctrlKey || metaKey || altKey || !Object.hasOwn(KEYS, key) || !sound.filled || !root.offsetParent) return false;
  if (target === tracks.needle || !target.closest) return true;
  if (target.closest("[role=dialog], dialog, textarea, select, [contenteditable], input:not([type=range], [type=checkbox])")) return false;
  if (MOVES.includes(key)) return !target.closest("input[type=range], [role=tab], [role=radio], [role=slider]");
  return key !== " " || byPointer || !target.closest("button, summary, input[type=checkbox]");
}

function pressed(event) {
  if (event.defaultPrevented) return;
  if (sides.contains(event.target) && event.key.startsWith("Arrow")) {
    KEYS.x();
    sides.querySelector("[aria-checked=true]").focus();
  } else if (ours(event)) KEYS[event.key]();
  else return;
  event.preventDefault();
}

function seek(by) {
  sound.seek(Math.max(0, Math.min(sound.duration, sound.position + by)));
  tracks.follow(sound.position);
  tracks.point();
}

// ---- to begin with: a pair that was made beforehand, or what a link carries ------------------
// One that is made now stands in for it where there is none.
async function example() {
  const mine = ++run;
  title = null;
  sound.wake();
  say("Fetching a clip that was made beforehand …");
  try {
    const event = await studio.call("example");
    const rows = await sound.unpack(event);
    if (mine !== run) return;
    sound.clear(event.sample_rate, event.seconds);
    sound.levelDb = event.level_db;
    sound.append(rows);
    appear(event.seconds, event.recipe);
    sound.play(0);
    studio.say("load", { recipe: event.recipe });
    ended(event);
  } catch {
    if (mine === run) studio.say("generate", studio.recipe);
  }
}

studio.on("shared", (recipe) => {
  const what = recipe.interventions.map((one) => one.concept).join(" and ") || "No push";
  invite(`Somebody shared this: ${what} in “${recipe.prompt}”`, () => studio.say("generate", recipe));
});
studio.on("invite", (text) => invite(text, example));

function invite(text, act) {
  invitation.textContent = text;
  first.onclick = act;
  say(text);
}

// ---- generating -----------------------------------------------------------------------------
async function generate(recipe, name = null) {
  const mine = ++run;
  title = name;
  controller?.abort();
  controller = new AbortController();
  studio.asked = performance.now();
  studio.firstSound = null;
  working(true);
  studio.say("error", "");
  say("Asking for the clip …");
  sound.wake();
  let line = Promise.resolve();
  try {
    await studio.stream("generate_flac", [recipe], (event) => { line = line.then(() => mine === run && took(event, mine)); }, controller.signal);
    await line;
  } catch (failure) {
    if (failure.name !== "AbortError" && mine === run) {
      await line;
      broke(failure);
    }
  }
  if (mine !== run) return;
  working(false);
  bar.hidden = true;
}

// What had the focus may hide now: what takes its place gets it.
function working(now) {
  const had = document.activeElement;
  busy = now;
  studio.say("busy", now);
  if (had?.hidden) had.parentElement.querySelector("button:not([hidden])")?.focus({ preventScroll: true });
  for (const button of [...row.children, back]) button.disabled = now;
}

function took(event, mine) {
  if (event.session) session = event.session;
  return ({ waiting, loading, started, audio, done: ended, stopped: ended, error: broke })[event.event]?.(event, mine);
}

const waiting = ({ place, of, seconds }) => {
  const long = seconds ? `, about ${seconds} s` : "";
  say(of > 1 || place > 1 ? `You are number ${place} of ${of} in line${long} …` : `In line${long} …`);
};
const loading = ({ model }) => say(`Loading ${model} …`);

function started({ sample_rate, seconds, recipe }) {
  studio.pair = null;
  sound.clear(sample_rate, seconds);
  sound.wake();
  appear(seconds, recipe);
  mark(null);
  bar.hidden = false;
  bar.value = made = 0;
  say("Making the first sound …");
  if (root.getBoundingClientRect().top > innerHeight / 2) root.scrollIntoView({ block: "start" });
}

function appear(seconds, recipe) {
  empty.hidden = true;
  deck.hidden = up.hidden = false;
  tracks.reset(seconds);
  legend.replaceChildren(...recipe.interventions.map((one, place) =>
    h("span", { style: `--colour: var(--concept-${(place % 6) + 1})` }, h("i.dot"), `${one.concept} `)),
    h("span.small", {}, "solid: steered, dashed: unsteered"));
  legend.hidden = !recipe.interventions.length;
}

async function audio(chunk, mine) {
  const rows = await sound.unpack(chunk);
  if (mine !== run) return;
  const first = !sound.filled;
  sound.arrival.sharing = chunk.sharing ?? 1;
  sound.arrival.making ??= chunk.made_in;
  sound.levelDb = chunk.level_db ?? 0;
  sound.matchDb = chunk.match_db ?? 0;
  sound.append(rows);
  if (first && sound.filled) sound.play(0);
  sound.settle();
  bar.value = made = chunk.done / chunk.total;
  shown();
  tracks.draw();
}

sound.onstart = () => {
  studio.firstSound ??= performance.now() - studio.asked;
  shown();
};

function progress() {
  if (!busy || !sound.filled) return;
  if (sound.waiting) say(`Buffering: ${Math.floor(99 * sound.ready)} %`);
  else say(`${Math.round(made * 100)} % made`);
}

function ended(event) {
  sound.finish();
  if (!event.clip) return say("Stopped before there was any sound.");
  tracks.whole(sound.duration);
  mark(keep(event, undefined, undefined, title ?? undefined));
  settle(event);
  say(event.event === "stopped" ? "Stopped; what was made stays." : "");
  studio.say("pair", event);
}

function settle(event) {
  sound.matchDb = event.match_db;
  sound.levelDb = event.level_db ?? 0;
  sound.settle();
  studio.pair = event;
  shown();
  look(current);
}

// What came until then can be heard.
function broke({ message }) {
  if (sound.filled && !sound.complete) sound.finish();
  studio.say("error", message);
  shown();
  say(sound.filled ? "It broke off here; what was made stays." : "");
}

async function look(take) {
  try {
    take.view ??= await studio.call("analyse", take.event.clip);
    if (current === take) tracks.show(take.view);
  } catch (failure) {
    if (current === take) say(failure.message);
  }
}

// ---- takes ----------------------------------------------------------------------------------
function keep(event, whole = { ...sound.whole }, rate = sound.rate, name = named(event.recipe)) {
  const take = { event, whole, rate, name };
  const same = takes.filter((one) => one.plain === take.name).length;
  take.plain = take.name;
  if (same) take.name += ` (${same + 1})`;
  take.button = h("button.quiet.take", { type: "button", "aria-pressed": "false", title: event.recipe.prompt, onclick: () => choose(take) }, take.name);
  takes.push(take);
  const bytes = () => takes.reduce((sum, one) => sum + 2 * one.whole.steered.byteLength, 0);
  while (takes.length > TAKES || (bytes() > TAKE_BYTES && takes.length > 1)) takes.shift().button.remove();
  if (!takes.includes(before)) before = null;
  row.append(take.button);
  kept.hidden = takes.length < 2;
  return take;
}

// ---- all strengths: the first is heard while it is made, the others join it as takes ----------
const FACTORS = [0.5, 1, 1.5, 2];

studio.on("grid", async (recipe) => {
  const scaled = (factor) => ({ ...recipe, interventions: recipe.interventions.map((one) => ({ ...one, coefficient: Math.max(-1, Math.min(1, one.coefficient * factor)) })) });
  const name = (factor) => `×${factor} ${named(recipe)}`;
  await generate(scaled(FACTORS[0]), name(FACTORS[0]));
  const mine = run;
  for (const factor of FACTORS.slice(1)) {
    if (mine !== run || busy) return;
    say(`Making ×${factor} …`);
    try {
      await aside(scaled(factor), name(factor), mine);
    } catch (failure) {
      return say(failure.message);
    }
  }
  if (mine === run) say("All strengths are made: walk through them below, at the playhead.");
});

// A take that is made while another is heard: its last event and its samples, int16 by side.
studio.made = async (recipe, listen = () => {}, signal = undefined) => {
  const parts = { steered: [], unsteered: [] };
  let rate = 0, last = null, line = Promise.resolve();
  await studio.stream("generate_flac", [recipe], (event) => {
    rate = event.sample_rate ?? rate;
    last = event;
    listen(event);
    if (event.event === "audio") line = line.then(async () => {
      const rows = await sound.unpack(event);
      for (const side of Object.keys(parts)) parts[side].push(rows[side]);
    });
  }, signal);
  await line;
  if (last.event === "error") throw new Error(last.message);
  const samples = Object.fromEntries(Object.entries(parts).map(([side, rows]) => [side, joined(rows)]));
  return { event: last, samples, rate };
};

async function aside(recipe, name, mine) {
  const { event, samples, rate } = await studio.made(recipe);
  if (mine === run && event.clip) keep(event, samples, rate, name);
}

function joined(rows) {
  const out = new Int16Array(rows.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of rows) {
    out.set(one, at);
    at += one.length;
  }
  return out;
}

// A preset by its name, anything else by its concepts.
function named({ interventions, seed }) {
  const plain = (list) => JSON.stringify(list.map(({ bank, concept, coefficient, schedule }) => [bank, concept, coefficient, schedule]));
  const preset = studio.catalogue?.presets.find((one) => plain(one.recipe.interventions) === plain(interventions));
  return `${preset?.name ?? (interventions.map((one) => one.concept).join(" + ") || "Unsteered")}, seed ${seed}`;
}

function mark(take) {
  if (current && current !== take && takes.includes(current)) before = current;
  current = take;
  for (const one of takes) one.button.setAttribute("aria-pressed", one === take);
  back.hidden = !before;
  edit.hidden = !take;
  take?.button.scrollIntoView?.({ block: "nearest", inline: "nearest" });
}

// Another take, from the same moment on; the verdict and what can be kept go with it.
function choose(take) {
  if (busy || take === current) return;
  const { event } = take;
  sound.swap({ whole: take.whole, rate: take.rate, levelDb: event.level_db ?? 0, matchDb: event.match_db });
  appear(sound.duration, event.recipe);
  mark(take);
  settle(event);
  say("");
  studio.say("pair", event);
}

// A take from elsewhere: the live panel's.
studio.on("take", ({ samples, rate, event }) => {
  run++;
  title = null;
  controller?.abort();
  if (busy) working(false);
  sound.clear(rate, event.seconds);
  sound.append({ steered: samples.steered, unsteered: samples.unsteered });
  appear(event.seconds, event.recipe);
  ended(event);
});

function say(text) {
  word.textContent = text;
  studio.say("state", text);
}

studio.on("generate", (recipe) => generate(recipe));
studio.on("stop", () => session && studio.quick("stop", session).catch(() => controller?.abort()));
studio.on("hush", () => { if (sound.playing) { sound.pause(); shown(); } });
addEventListener("pagehide", () => controller?.abort());
