// Prompt, concepts as cards, and all that a recipe holds.
const catalogue = (studio.catalogue = props.catalogue);
const { limits } = catalogue;
studio.own.join();
const WIDEST = 2, STEPS = 40;
const DRAFT = "studio-draft", QUIET = 500, MOST_STEPS = 200;
let cards = [];
let count = 0;
let draft = studio.copy(catalogue.recipe);
const family = (name) => catalogue.families.find((one) => one.name === name);
const familyOf = (record) => family(catalogue.banks[record.bank]?.family);

// ---- the parts ------------------------------------------------------------------------------
const prompt = h("textarea.prompt", { id: "prompt", rows: 2, maxlength: limits.prompt, oninput: () => tell({ prompt: prompt.value }) });
const examples = h("div.chips", { role: "group", "aria-label": "Example prompts" }, ...catalogue.prompts.map((text) =>
  h("button.chip", { type: "button", onclick: () => { prompt.value = text; tell({ prompt: text }); } }, text)));
const presets = h("div.presets", { role: "group", "aria-label": "Presets" }, ...catalogue.presets.map((preset) =>
  h("button.preset", { type: "button", "data-preset": preset.name, onclick: () => load(preset.recipe, true) },
    h("strong", {}, h("i", { "aria-hidden": "true" }, "▶ "), preset.name), h("span", {}, preset.word))));
const seconds = field("Length", "range", { min: limits.seconds[0], max: limits.seconds[1], step: 1 }, "seconds", (v) => `${v} s`);
const list = h("div.cards");
const add = h("button.add", { type: "button", onclick: () => addCard() }, "+ concept");
const error = h("p.error", { role: "alert" });
const go = h("button.go", { type: "button", onclick: () => { error.textContent = ""; studio.say("generate", recipe()); } }, "Generate");
const undo = h("button.quiet", { type: "button", title: "Undo (Ctrl+Z)", "aria-label": "Undo", onclick: () => step(-1) }, "↶");
const redo = h("button.quiet", { type: "button", title: "Redo (Ctrl+Shift+Z)", "aria-label": "Redo", onclick: () => step(1) }, "↷");
const grid = h("button.quiet", { type: "button", title: "Makes a take at 0.5, 1, 1.5 and 2 times these strengths, to walk through at the playhead", onclick: () => studio.say("grid", recipe()) }, "All strengths");
const stop = h("button.stop", { type: "button", hidden: true, onclick: () => studio.say("stop") }, "Stop");
const state = h("p.state", { role: "status" });

const weighting = choice("Layers", Object.keys(catalogue.weightings), (v) => each((one) => (one.layers = studio.copy(catalogue.weightings[v]))));
const method = choice("Method", ["usual", ...Object.keys(catalogue.methods)], (v) => each((one) => {
  const known = familyOf(one);
  if (known && !known.each) one.bank = bankOf(known, v);
  if (!heard(one)) one.monitor = null;
}), { usual: "each family's best", ...catalogue.methods });
const gate = field("Gate", "range", { min: 0, max: 1, step: 0.05 }, null, (v) => `${Math.round(v * 100)} % of steps`, (v) => each((one) => (one.gate = { ...one.gate, probability: v })));
const operator = choice("Operator", catalogue.operators, (v) => each((one) => (one.operator = v)));
const rows = choice("Guidance rows", catalogue.rows, (v) => each((one) => (one.rows = v)));
const guidance = field("Guidance", "range", { min: limits.guidance[0], max: limits.guidance[1], step: 0.5 }, "sampling.guidance", (v) => v);
const temperature = field("Temperature", "range", { min: limits.temperature[0], max: limits.temperature[1], step: 0.05 }, "sampling.temperature", (v) => v);
const topK = field("Top-k", "number", { min: limits.top_k[0], max: limits.top_k[1], step: 1 }, "sampling.top_k");
const seed = field("Seed", "number", { min: limits.seed[0], max: limits.seed[1], step: 1 }, "seed");
const apart = h("input", { type: "checkbox", onchange: () => tell({ orthogonalise: apart.checked }) });
const model = catalogue.models.length > 1 ? choice("Model", catalogue.models, changeModel) : fact("Model", catalogue.model);
const modelWord = h("p.small.word");

element.querySelector(".compose").append(
  h("div.head", {}, h("h2", {}, "Compose")),
  h("section.block", {}, h("label.eyebrow", { for: "prompt" }, "Prompt"), prompt, examples, seconds.box),
  h("section.block", {}, h("h3.eyebrow", {}, "Presets"), presets),
  h("section.block", {}, h("h3.eyebrow", {}, "Concepts"), list, add),
  h("details.block.advanced", {}, h("summary", {}, "Advanced"), h("div.grid", {},
    seed.box, method.box, weighting.box, gate.box, operator.box, rows.box, guidance.box, temperature.box, topK.box,
    h("label.check", {}, apart, " keep concepts apart (orthogonalise)"), model.box, modelWord)),
  h("div.launch", {}, go, stop, grid, undo, redo, state, error),
);

// ---- small controls -------------------------------------------------------------------------
function field(name, type, limits, path, shown = (v) => v, apply = null) {
  const input = h("input", { type, ...limits, "aria-label": name });
  const out = h("output", {});
  const set = (value) => { input.value = value; out.textContent = type === "range" ? shown(value) : ""; };
  input.addEventListener("input", () => {
    if (input.value === "" || !Number.isFinite(+input.value)) return;
    out.textContent = type === "range" ? shown(+input.value) : "";
    if (apply) return apply(+input.value);
    const [outer, inner] = path.split(".");
    tell(inner ? { [outer]: { ...draft[outer], [inner]: +input.value } } : { [outer]: +input.value });
  });
  if (path === "seconds") input.addEventListener("change", () => drawCards());
  return { box: h("label.field", {}, h("span", {}, name), input, out), set };
}

function choice(name, options, apply, words = {}) {
  const select = h("select", { "aria-label": name, onchange: () => apply(select.value) },
    ...options.map((one) => h("option", { value: one }, (words[one] ?? one).replaceAll("_", " "))));
  return { box: h("label.field", {}, h("span", {}, name), select), set: (value) => (select.value = value), select };
}

// What there is no choice of.
function fact(name, value) {
  return { box: h("div.field", {}, h("span", {}, name), h("span.value", {}, value)), set: () => {} };
}

// ---- the recipe -----------------------------------------------------------------------------
// What its entries are, the server says: those without a control here are carried along.
function recipe() {
  const interventions = cards.map((card) => ({ ...card.record, schedule: fitting(card.record.schedule) }));
  return { ...draft, interventions, banks: studio.own.carried(interventions) };
}

// Points past the end of a clip that was made shorter come to stand at its end.
function fitting(schedule) {
  if (schedule.shape !== "breakpoints") return schedule;
  return { ...schedule, points: schedule.points.map(([time, level]) => [Math.min(time, draft.seconds), level]) };
}

function tell(change = {}) {
  draft = { ...draft, moves: [], ...change };
  studio.recipe = studio.copy(recipe());
  studio.say("recipe", studio.recipe);
  remember(studio.recipe);
}

// ---- undo, and a draft that outlives the page -----------------------------------------------
// Changes that follow one another at once, as those of a slider, are one step.
const past = [];
let at = -1, last = 0, stepping = false;

function remember(now) {
  try {
    localStorage.setItem(DRAFT, JSON.stringify({ ...now, banks: {} }));
  } catch {
    // It is not kept, then.
  }
  if (stepping || JSON.stringify(now) === JSON.stringify(past[at])) return;
  const together = performance.now() - last < QUIET && at > 0 && at === past.length - 1;
  last = performance.now();
  past.length = at + 1;
  if (together) past[at] = now;
  else past.push(now);
  if (past.length > MOST_STEPS) past.shift();
  at = past.length - 1;
  offered();
}

function step(by) {
  if (!past[at + by]) return;
  at += by;
  stepping = true;
  load(past[at]);
  stepping = false;
  last = 0;
  offered();
}

function offered() {
  undo.disabled = at < 1;
  redo.disabled = at >= past.length - 1;
}

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || !element.offsetParent) return;
  if (event.target.closest?.("textarea, input[type=text], input[type=number], [contenteditable]")) return;
  const by = { z: event.shiftKey ? 1 : -1, y: 1 }[event.key.toLowerCase()];
  if (!by) return;
  step(by);
  event.preventDefault();
});

function keptDraft() {
  try {
    return JSON.parse(localStorage.getItem(DRAFT));
  } catch {
    return null;
  }
}

function each(change) {
  for (const card of cards) change(card.record, card);
  tell();
}

function load(given, play = false) {
  const { interventions, ...rest } = studio.own.learn(studio.copy(given));
  draft = { ...studio.copy(catalogue.recipe), ...rest };
  cards = interventions.map((record) => ({ key: count++, record }));
  prompt.value = draft.prompt;
  seconds.set(draft.seconds);
  seed.set(draft.seed);
  guidance.set(draft.sampling.guidance);
  temperature.set(draft.sampling.temperature);
  topK.set(draft.sampling.top_k);
  apart.checked = draft.orthogonalise;
  model.set(draft.model);
  const first = interventions[0] ?? catalogue.intervention;
  weighting.set(first.layers.weighting);
  gate.set(first.gate.probability);
  operator.set(first.operator);
  rows.set(first.rows);
  const ways = new Set(interventions.map((one) => catalogue.banks[one.bank]?.method ?? "usual"));
  const best = interventions.every((one) => one.bank === familyOf(one)?.intervention.bank);
  method.set(best || ways.size > 1 ? "usual" : [...ways][0]);
  drawCards();
  tell({ moves: draft.moves });
  if (play === true) studio.say("generate", recipe());
}

function addCard() {
  if (cards.length >= limits.concepts) return;
  const one = catalogue.families[0];
  if (!one) return (error.textContent = `There are no directions for ${catalogue.model} on this page.`);
  const used = new Set(cards.map((card) => card.record.concept));
  const concept = one.concepts.find((name) => !used.has(name)) ?? one.concepts[0];
  cards.push({ key: count++, record: fresh(one, concept) });
  drawCards();
  tell();
  list.lastElementChild?.querySelector("select")?.focus();
}

function fresh(one, concept) {
  if (one.each) return studio.copy(one.each[concept]);
  return { ...studio.copy(one.intervention), concept, bank: bankOf(one, method.select.value) };
}

// Whether a strength can follow what is heard of the concept.
function heard(record) {
  return catalogue.banks[record.bank]?.heard;
}

// A family's bank by a method, or its best one.
function bankOf(one, wanted) {
  return one.banks[wanted] ?? one.intervention.bank;
}

// ---- cards ----------------------------------------------------------------------------------
function drawCards() {
  list.replaceChildren(...cards.map((card, place) => drawn(card, place)));
  add.hidden = cards.length >= limits.concepts;
  if (!cards.length) list.append(h("p.empty", {}, "No concept yet: the clip plays as the prompt alone would have it."));
}

function drawn(card, place) {
  const { record } = card;
  const one = familyOf(record) ?? { concepts: [record.concept], name: record.bank };
  const colour = `var(--concept-${(place % 6) + 1})`;
  const kinds = h("select", { "aria-label": `Family of concept ${place + 1}`, onchange: () => {
    const next = family(kinds.value);
    Object.assign(record, fresh(next, next.concepts[0]), { schedule: record.schedule });
    drawCards();
    tell();
  } }, ...catalogue.families.map((known) => h("option", { value: known.name }, known.word)));
  kinds.value = one.name;
  const concept = h("select.concept", { "aria-label": `Concept ${place + 1}`, onchange: () => {
    if (one.each) Object.assign(record, fresh(one, concept.value), { schedule: record.schedule });
    else record.concept = concept.value;
    drawCards();
    tell();
  } }, ...one.concepts.map((name) => h("option", { value: name }, name)));
  concept.value = one.each ? studio.own.called(record.bank) : record.concept;
  const { unit, words } = measure(record, one);
  const widest = Math.max(WIDEST, Math.abs(record.coefficient / unit));
  const strength = h("input", { type: "range", min: -widest, max: widest, step: WIDEST / STEPS, "aria-label": `Strength of ${record.concept}`, title: `×1.0 is ${unit.toFixed(3)} of the residual stream's typical length`, oninput: () => {
    record.coefficient = Math.round(strength.value * unit * 1e6) / 1e6;
    told();
    tell();
  } });
  strength.value = record.coefficient / unit;
  strength.style.setProperty("--zone", zone(record, unit, widest));
  const follows = h("input", { type: "checkbox", disabled: !heard(record), onchange: () => {
    record.monitor = follows.checked ? studio.copy(catalogue.monitor) : null;
    tell();
  } });
  follows.checked = Boolean(record.monitor);
  const shown = h("output.value", {});
  const told = () => {
    shown.textContent = times(record.coefficient / unit);
    strength.setAttribute("aria-valuetext", `${times(record.coefficient / unit)}, ${record.coefficient < 0 ? "less" : "more"} ${record.concept}`);
  };
  told();
  return h("article.card", { style: `--colour: ${colour}`, "aria-label": `Concept ${place + 1}: ${record.concept}` },
    h("header.row", {}, h("span.dot", { "aria-hidden": "true" }), kinds, concept,
      h("button.quiet.remove", { type: "button", "aria-label": `Remove ${record.concept}`, onclick: () => { cards.splice(place, 1); drawCards(); tell(); } }, "×")),
    h("div.strength", {}, h("span.small", {}, `less ${record.concept}`), strength, h("span.small", {}, `more ${record.concept}`), shown),
    words ? h("p.small.finding", { title: "Out of the shipped evaluation: test prompts, judges that know nothing of the model, 95 % intervals." }, words) : null,
    h("label.check.small", { title: "The strength falls while the concept is heard in what has been played, and rises while it is not: the music stays alive." },
      follows, " sets itself: lets go of what sounds already"),
    scheduleEditor({ schedule: record.schedule, seconds: draft.seconds, colour, name: record.concept,
      onchange: (schedule) => { record.schedule = schedule; tell(); } }));
}

const times = (value) => `×${value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;

// What ×1.0 is: what was measured where a test was made, else what the family begins with.
function measure(record, kin) {
  const measured = catalogue.banks[record.bank]?.measured;
  const usual = record.unit === "relative" ? (kin.each?.[studio.own.called(record.bank)] ?? kin.intervention)?.coefficient : null;
  return { unit: measured?.strength ?? (Math.abs(usual ?? 0) || Math.abs(record.coefficient) || 0.05), words: measured?.words ?? (kin.each ? "Taught: ×1.0 is the strength that its trials chose." : kin.intervention ? "Not tested on this model yet: find out by ear." : "") };
}

// Where the concept was heard more often than without a push and the music stayed alive, as a shade of the slider.
function zone(record, unit, widest) {
  const useful = catalogue.banks[record.bank]?.measured?.doses.filter((one) => one.alive && one.better).map((one) => one.strength / unit) ?? [];
  if (!useful.length) return "none";
  const place = (value) => `${(50 + (50 * value) / widest).toFixed(1)}%`;
  const [low, high] = [place(Math.min(...useful) - 0.12), place(Math.max(...useful) + 0.12)];
  return `linear-gradient(90deg, transparent ${low}, color-mix(in srgb, var(--colour) 22%, transparent) ${low} ${high}, transparent ${high})`;
}

async function changeModel(name) {
  modelWord.textContent = `Asking for ${name} …`;
  try {
    const other = await studio.call("catalogue", name);
    Object.assign(catalogue, other);
    studio.own.join();
    modelWord.textContent = other.families.length ? "" : `${name} plays, but there are no directions for it on this page.`;
    cards = [];
    drawCards();
    const { model, revision } = other.recipe;
    tell({ model, revision });
  } catch (failure) {
    modelWord.textContent = failure.message;
    model.set(draft.model);
  }
}

// ---- what the others say --------------------------------------------------------------------
studio.on("load", ({ recipe, play }) => load(recipe, play));
studio.on("own", (change) => {
  for (const { record } of cards) if (change?.now && record.bank === change.key) Object.assign(record, { bank: change.now.key, concept: change.now.name });
  if (change) cards = cards.filter(({ record }) => catalogue.banks[record.bank]);
  drawCards();
  tell();
});
studio.on("busy", (now) => {
  go.hidden = grid.hidden = now;
  stop.hidden = !now;
});
studio.on("state", (text) => (state.textContent = text));
studio.on("error", (text) => (error.textContent = text));
studio.on("online", (there) => {
  go.disabled = !there;
  if (there) error.textContent = "";
  else error.textContent = "The page has lost its server. What you wrote is kept; it goes on as soon as the server answers.";
});

// A shared clip: what its link carries, or a line that says what is wrong with it.
async function shared() {
  const code = new URLSearchParams(location.search).get("r") ?? location.hash.match(/^#r=(.+)$/)?.[1];
  if (!code) return;
  error.textContent = "";
  try {
    load(await studio.call("open_permalink", code));
    state.textContent = "A shared clip: press Generate to hear it.";
    studio.say("shared", studio.recipe);
  } catch (failure) {
    error.textContent = `This link gives no clip: ${failure.message}`;
    studio.say("invite", `This link gives no clip: ${failure.message}`);
  }
}
addEventListener("hashchange", shared);

// A draft of other weights, or of a bank that is no longer here, is not taken up.
function fits(given) {
  return given?.revision === catalogue.recipe.revision && given.model === catalogue.recipe.model &&
    Array.isArray(given.interventions) && given.interventions.every((one) => catalogue.banks[one.bank]);
}

const kept = keptDraft();
load(fits(kept) ? kept : (catalogue.presets[0]?.recipe ?? catalogue.recipe));
shared();
