// Plays until it is stopped; faders and knobs act on what comes next, and the last ten minutes are kept.
const root = element.querySelector(".live");
const take = (studio.live = new LiveSound());
const THROTTLE = 25, SIGN = 15000, SHAPES_THAT_GO_ON = ["pulse", "sine"];
let session = null, controller = null, faders = [], current = null, pitches = null, recording = null, told = 0, playing = false;
const gone = [];

// ---- the parts ------------------------------------------------------------------------------
const start = h("button.go", { type: "button", onclick: begin }, "Play live");
const halt = h("button.stop", { type: "button", hidden: true, onclick: stop }, "Stop");
const sides = h("div.sides", { role: "radiogroup", "aria-label": "Which of the two is heard live" }, side("steered", "Steered"), side("unsteered", "Unsteered"));
const time = h("output.clock", { "aria-live": "off" }, "0:00");
const word = h("p.state", { role: "status" }, "Goes on until you stop it. The concepts of the Studio tab become faders; what you move is heard a moment later.");
const desk = h("div.faders");
const choice = h("select", { "aria-label": "Concept to add as a fader" });
const add = h("button.quiet", { type: "button", onclick: () => added().catch(failed) }, "+ fader");
const midi = h("button.quiet", { type: "button", "aria-pressed": "false", onclick: () => plugged().catch(failed) }, "MIDI knobs");
const record = h("button.quiet", { type: "button", "aria-pressed": "false", disabled: true, title: "Records what you hear, the switch included", onclick: () => (recording === null ? recorded() : saved()) }, "● Record");
const keep = h("button.quiet", { type: "button", disabled: true, title: "Saves what you heard, ten minutes at most, as a WAV file", onclick: () => save(take.memory.from, heardUntil(), "live") }, "Keep the last minutes");
const compareButton = h("button.quiet", { type: "button", onclick: () => compare().catch(failed) }, "Hear this take beside the unsteered one");
const link = h("button.quiet", { type: "button", onclick: copy }, "Copy link");
const after = h("div.row.after", { hidden: true }, compareButton, link, h("span.small", {}));
const strip = new Strip({ sound: take, get pitches() { return pitches; }, get faders() { return [...faders, ...gone]; }, get recording() { return recording; } }, seek);
const knobs = new Knobs((name, share) => faders.filter((one) => named(one) === name).forEach((one) => one.put(share * one.widest)), (controller) => {
  word.textContent = `Knob ${controller} moves this fader from now on.`;
  shown();
});
root.append(h("div.head", {}, h("h2", {}, "Live"), word),
  h("div.row.wrap.transport", {}, start, halt, sides, time, record, keep, midi),
  desk, h("div.row.wrap.more", {}, choice, add), strip.box, after,
  h("p.keys.small", {}, h("kbd", {}, "x"), " switch between steered and unsteered"));

function side(name, text) {
  return h("button", { type: "button", role: "radio", "data-live": name, "aria-checked": name === "steered", tabindex: name === "steered" ? 0 : -1, onclick: () => hear(name) }, text);
}

function hear(name) {
  if (name === take.side) return;
  take.heard(name);
  for (const button of sides.children) {
    button.setAttribute("aria-checked", button.dataset.live === name);
    button.tabIndex = button.dataset.live === name ? 0 : -1;
  }
}

const other = () => hear(take.side === "steered" ? "unsteered" : "steered");
const failed = (failure) => (word.textContent = failure.message);

document.addEventListener("keydown", (event) => {
  const { key, target, ctrlKey, metaKey, altKey, defaultPrevented } = event;
  if (defaultPrevented || ctrlKey || metaKey || altKey || !root.isConnected || !root.offsetParent) return;
  const arrow = sides.contains(target) && key.startsWith("Arrow");
  if (key !== "x" && !arrow) return;
  if (target.closest?.("textarea, select, [contenteditable], input:not([type=range], [type=checkbox])")) return;
  other();
  if (arrow) sides.querySelector("[aria-checked=true]").focus();
  event.preventDefault();
});

// ---- faders ---------------------------------------------------------------------------------
const named = (one) => `${one.record.bank} ${one.record.concept}`;

function fader(record, place, own = false) {
  const kin = studio.catalogue?.families.find((one) => (one.each || one.concepts.includes(record.concept)) && Object.values(one.banks).includes(record.bank));
  const widest = Math.max(0.12, Math.abs(record.coefficient), 2 * Math.abs(kin?.intervention.coefficient ?? 0));
  const one = { record, place, own, widest, value: record.coefficient, start: record.coefficient, since: 0, moves: [] };
  one.out = h("output.value", {});
  one.input = h("input.fader", { type: "range", min: -widest, max: widest, step: widest / 200, "aria-label": `Strength of ${record.concept}, live`, "aria-orientation": "vertical", oninput: () => send(one, +one.input.value) });
  one.put = (value) => {
    one.input.value = value;
    send(one, value);
  };
  const zero = h("button.quiet", { type: "button", "aria-label": `${record.concept} to zero`, onclick: () => one.put(0) }, "to 0");
  one.learn = h("button.quiet.learn", { type: "button", "aria-pressed": "false", onclick: () => learn(one) });
  one.box = h("div.strip-fader", {}, one.out, one.input, zero, one.learn, h("strong", {}, record.concept),
    h("button.quiet.remove", { type: "button", "aria-label": `Remove the fader ${record.concept}`, onclick: () => removed(one) }, "×"));
  one.input.value = one.value;
  return one;
}

function arrange(recipe) {
  if (playing) return;
  const from = recipe.interventions.map((record) => fader(record, null));
  faders = [...from, ...faders.filter((one) => one.own && !from.some((known) => named(known) === named(one)))];
  offer();
  shown();
}

// What can be added: every concept of every family, but those that are faders already.
function offer() {
  choice.replaceChildren(...(studio.catalogue?.families ?? []).map((one) =>
    h("optgroup", { label: one.word }, ...one.concepts.map((name) => h("option", { value: JSON.stringify([one.name, name]) }, name)))));
  add.disabled = choice.disabled = !choice.options.length;
}

function shown() {
  for (const one of faders) {
    one.hue ??= [...Array(99).keys()].find((hue) => ![...faders, ...gone].some((known) => known.hue === hue));
    one.box.style.setProperty("--colour", `var(--concept-${(one.hue % 6) + 1})`);
    one.out.textContent = one.value.toFixed(3);
    one.learn.hidden = !knobs.access;
    const knob = knobs.of(named(one)), waits = knobs.learning === named(one);
    one.learn.textContent = waits ? "turn a knob" : knob === null ? "learn" : `knob ${knob}`;
    one.learn.setAttribute("aria-pressed", waits);
    one.learn.setAttribute("aria-label", `${one.learn.textContent}: a knob for ${one.record.concept}`);
  }
  const boxes = faders.map((one) => one.box);
  if (boxes.length !== desk.children.length || boxes.some((box, n) => box !== desk.children[n])) desk.replaceChildren(...boxes);
  if (!faders.length) desk.replaceChildren(h("p.empty", {}, "No fader yet: add a concept."));
  strip.draw();
}

async function added() {
  const [family, concept] = JSON.parse(choice.value);
  const kin = studio.catalogue.families.find((one) => one.name === family);
  const record = { ...studio.copy(kin.each?.[concept] ?? { ...kin.intervention, concept }), coefficient: 0, schedule: { shape: "constant" } };
  const one = fader(record, null, true);
  one.widest = Math.max(one.widest, 0.12);
  if (faders.some((known) => named(known) === named(one))) throw new Error(`${concept} has a fader already.`);
  const back = gone.findIndex((known) => named(known) === named(one));
  if (playing && back >= 0) faders.push(...gone.splice(back, 1));
  else {
    if (playing) {
      if (!session) throw new Error("In a moment: it has not begun yet.");
      one.place = await studio.quick("add_concept", session, record);
      one.since = take.filled / take.rate;
    }
    faders.push(one);
  }
  shown();
  faders.at(-1).input.focus();
}

// A fader that is removed rests from now on; the take keeps what it did.
function removed(one) {
  if (playing) {
    one.put(0);
    gone.push(one);
  }
  faders.splice(faders.indexOf(one), 1);
  if (knobs.learning === named(one)) knobs.learning = null;
  shown();
}

// A move at once, then one every 25 ms with where the fader stands by then.
function send(one, value) {
  one.value = value;
  one.out.textContent = value.toFixed(3);
  if (!playing) one.start = value;
  else one.moves.push({ at: Math.max(take.filled / take.rate, one.since), value });
  if (!session || one.timer) return;
  const go = () => {
    const now = one.value;
    one.timer = setTimeout(() => {
      one.timer = null;
      if (session && one.value !== now) go();
    }, THROTTLE);
    studio.quick("move", session, one.place, now).catch((failure) => session && failed(failure));
    told = performance.now();
  };
  go();
}

// ---- MIDI -----------------------------------------------------------------------------------
async function plugged() {
  word.textContent = await knobs.open();
  midi.setAttribute("aria-pressed", "true");
  shown();
}

function learn(one) {
  knobs.learning = knobs.learning === named(one) ? null : named(one);
  shown();
}

// ---- playing --------------------------------------------------------------------------------
// The faders take the place of schedules, but for those that repeat.
function recipe() {
  const interventions = faders.map((one) => ({
    ...one.record, coefficient: one.value,
    schedule: SHAPES_THAT_GO_ON.includes(one.record.schedule.shape) ? one.record.schedule : { shape: "constant" },
  }));
  const steady = interventions.every((one) => one.schedule.shape === "constant");
  const banks = studio.own.carried([...interventions, ...[...studio.own.all.keys()].map((bank) => ({ bank }))].slice(0, studio.catalogue.limits.concepts));
  return { ...studio.copy(studio.recipe), interventions, banks, moves: [], ...(steady ? { seconds: studio.catalogue.limits.seconds[0] } : {}) };
}

async function begin() {
  if (!studio.recipe) return;
  studio.say("hush");
  gone.length = 0;
  faders.forEach((one, place) => Object.assign(one, { place, start: one.value, since: 0, moves: [], timer: null }));
  current = recording = pitches = session = null;
  after.hidden = true;
  working(true);
  word.textContent = "Asking for the first sound …";
  controller = new AbortController();
  let line = Promise.resolve();
  try {
    await take.wake();
    await studio.stream("play_live_flac", [recipe()], (event) => { line = line.then(() => heard(event)); }, controller.signal);
    await line;
  } catch (failure) {
    await line.catch(() => {});
    if (failure.name !== "AbortError") failed(failure);
  }
  over();
}

function working(now) {
  const had = document.activeElement;
  playing = now;
  start.hidden = now;
  halt.hidden = !now;
  if (had === start || had === halt) (now ? halt : start).focus();
}

function stop() {
  if (recording !== null) saved();
  take.pause();
  if (session) studio.quick("stop", session).catch(failed);
  else controller?.abort();
}

// Whatever ended it: what was heard until then stays.
function over() {
  session = null;
  if (recording !== null) saved();
  if (!take.complete && take.filled) take.finish();
  working(false);
  strip.draw();
}

async function heard(event) {
  if (event.event === "waiting") word.textContent = `You are number ${event.place} in line${event.seconds ? `, about ${event.seconds} s` : ""} …`;
  if (event.event === "error") word.textContent = event.message;
  if (event.event === "started") begun(event);
  if (event.event === "audio") {
    const first = !take.filled;
    take.append(await take.unpack(event));
    pitches.look();
    forget();
    take.levelDb = event.level_db ?? 0;
    if (first && take.filled) take.play(0);
    take.settle();
    record.disabled = keep.disabled = !take.filled;
    if (session && performance.now() - told > SIGN) {
      told = performance.now();
      studio.quick("still_listening", session).catch(() => {});
    }
  }
  if (event.event === "done" || event.event === "stopped") ended(event);
}

function begun(event) {
  session = event.session;
  take.clear(event.sample_rate);
  take.setVolume(volume());
  pitches = new Pitches(take.memory);
  take.wake();
  strip.look(null);
  told = performance.now();
  word.textContent = event.seconds === null ? "Playing: move the faders." : "Playing; on this page's hired GPU the faders rest, and the clip has its length.";
  requestAnimationFrame(frame);
}

// What the page keeps of moves is as long as what it keeps of sound.
function forget() {
  const oldest = take.memory.from / take.rate;
  for (const one of [...faders, ...gone])
    while (one.moves.length && one.moves[0].at < oldest) one.start = one.moves.shift().value;
  take.forget();
  if (recording !== null && recording < take.memory.from) saved();
}

function volume() {
  try {
    return +(localStorage.getItem("studio-volume") ?? 100) / 100;
  } catch {
    return 1;
  }
}

let drawn = 0;
function frame(now) {
  if (!root.isConnected) return;
  if (now - drawn > 90 && root.offsetParent) {
    drawn = now;
    time.textContent = clock(Math.floor(take.position));
    strip.draw();
  }
  if (playing || take.playing) requestAnimationFrame(frame);
}

// After it has ended a press on the strip plays from there; while it plays the strip is only looked at.
function seek(seconds) {
  if (playing || !take.filled || seconds * take.rate >= take.filled) return;
  take.wake();
  if (take.playing) take.pause();
  else take.play(Math.max(seconds, take.memory.from / take.rate));
  requestAnimationFrame(frame);
}
take.onover = () => strip.draw();

// ---- what stays -----------------------------------------------------------------------------
function ended(event) {
  take.finish();
  current = event.clip ? event : null;
  const long = event.played_seconds > event.seconds;
  const words = [];
  if (current && !long) words.push(`Kept: ${event.seconds.toFixed(1)} s with ${event.recipe.moves.length === 1 ? "one move" : `${event.recipe.moves.length} moves`}. Its link plays it again.`);
  if (current && long) words.push(`Played ${clock(Math.round(event.played_seconds))}. Its sound can be kept as a file; a link holds the first ${Math.round(event.recipe.seconds)} s.`);
  if (!current) words.push(take.filled ? `Played ${clock(Math.round(event.played_seconds ?? 0))}; its sound can be kept as a file.` : "Stopped before there was any sound.");
  if (event.why) words.push(`${event.why[0].toUpperCase()}${event.why.slice(1)}.`);
  word.textContent = words.join(" ");
  after.hidden = !current;
  compareButton.textContent = long ? "Hear its beginning in the Studio tab" : "Hear this take in the Studio tab";
  after.lastChild.textContent = "Press on the strip to hear it again from there.";
  over();
}

const heardUntil = () => (take.complete ? take.filled : Math.min(take.filled, Math.round(take.position * take.rate)));

function recorded() {
  recording = Math.round(take.position * take.rate);
  record.textContent = "■ Stop recording";
  record.setAttribute("aria-pressed", "true");
}

function saved() {
  const first = Math.max(recording, take.memory.from), last = heardUntil();
  recording = null;
  record.textContent = "● Record";
  record.setAttribute("aria-pressed", "false");
  if (last > first) save(first, last, "recording");
}

function save(first, last, name) {
  if (last <= first) return;
  const concepts = faders.map((one) => one.record.concept).join(" + ") || "music";
  const url = URL.createObjectURL(take.wav(first, last));
  h("a", { href: url, download: `${name}, ${concepts}, ${clock(Math.round((last - first) / take.rate)).replace(":", " min ")} s.wav` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

async function copy() {
  const text = `${studio.link}#r=${current.permalink}`;
  try {
    await navigator.clipboard.writeText(text);
    word.textContent = "The link is copied.";
  } catch {
    after.lastChild.replaceChildren(h("input", { type: "text", readonly: true, value: text, "aria-label": "Link that plays this take", onfocus: (event) => event.target.select() }));
  }
}

async function compare() {
  take.pause();
  const count = Math.round(current.seconds * take.rate);
  const samples = Object.fromEntries(["steered", "unsteered"].map((name) => [name, take.memory.part(name, 0, count)]));
  studio.say("load", { recipe: current.recipe });
  studio.say("take", { samples, rate: take.rate, event: current });
  document.querySelector(".tabs button[role=tab], button[role=tab]")?.click();
}

studio.on("recipe", arrange);
studio.on("own", offer);
studio.on("generate", () => playing && stop());
if (studio.recipe) arrange(studio.recipe);
addEventListener("pagehide", () => controller?.abort());
