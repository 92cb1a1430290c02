// A concept of one's own: clips, takes and votes in, an honest word and a fader out.
const root = element.querySelector(".teach");
const { teach: limits } = studio.catalogue.limits;
const AT_ONCE = 2, AGAIN = 2000, BUSY = "others send clips", VOTE_SECONDS = 6, SEEDS = 2 ** 31;
const STAGES = { "reading the clips": [0, 0.3], "looking for the direction": [0.3, 0.4], "trying strengths": [0.4, 1] };
const PARTS = { pitch: "how high it is", level: "how loud it is", tempo: "how fast it is" };
const groups = { has: [], not: [] };
let session = null, controller = null, hearing = 0, recorded = 0, heard = null;
const line = [];
const player = new Audio();

// ---- the parts ------------------------------------------------------------------------------
const word = h("p.state", { role: "status" }, "A few clips of what you mean, and in about a minute a fader for it.");
const name = h("input", { type: "text", id: "teach-name", maxlength: 50, placeholder: "staccato, tape hiss, my left hand …" });
const lists = { has: h("ul.examples", { "aria-label": "What has it" }), not: h("ul.examples", { "aria-label": "What has it not" }) };
const counts = { has: h("span.small"), not: h("span.small") };
const microphone = new Recorder(studio.catalogue.sample_rate, (sound) => took("has", `recording ${++recorded}.wav`, sound), () => shown());
const mic = h("button.quiet", { type: "button", "aria-pressed": "false", onclick: () => record().catch(failed) }, "● Record");
const belongs = Object.entries(PARTS).map(([part, text]) => [part, h("input", { type: "checkbox" }), text]);
const go = h("button.go", { type: "button", onclick: () => teach().catch(failed) }, "Teach");
const halt = h("button.stop", { type: "button", hidden: true, onclick: stop }, "Stop");
const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Progress of the lesson" });
const error = h("p.error", { role: "alert" });
const result = h("section.result", { hidden: true, tabindex: -1 });
const mine = h("ul.examples", { "aria-label": "Your concepts" });
const prompt = h("input", { type: "text", "aria-label": "Prompt of the variations", maxlength: studio.catalogue.limits.prompt, value: "calm jazz with a flute" });
const pair = h("div.pair");
const vary = h("button.quiet", { type: "button", onclick: () => variations().catch(failed) }, "Two variations");
const words = { has: lines("Prompts with it", "calm jazz with tremolo strings"), not: lines("Prompts without it", "calm jazz with strings") };
const render = h("button.quiet", { type: "button", onclick: () => prompts().catch(failed) }, "Make them");

root.append(h("div.head", {}, h("h2", {}, "Teach"), word),
  h("div.columns", {},
    h("section", {},
      h("label.eyebrow", { for: "teach-name" }, "What it is called"), name,
      h("h3.eyebrow", {}, "What has it ", counts.has),
      drop("has", "Drop clips that have it, or ", `WAV, FLAC, OGG or MP3, ${limits.clips[0]} to ${limits.clips[1]} of them; of each the first ${limits.seconds} s count.`),
      h("div.row.wrap", {}, mic, h("span.small", {}, "or loop a part of a take in the Studio tab and press ‘Teach this part’")), lists.has,
      h("h3.eyebrow", {}, "What has it not ", counts.not),
      drop("not", "Compared with neutral music of all kinds. Or drop clips without it, or ", "Where one is the same piece as one above, give it the same name."), lists.not),
    h("section", {},
      h("fieldset", {}, h("legend", {}, "What belongs to it"), h("p.small", {}, "All else is moved about a little, so that a few clips do not teach a key."),
        ...belongs.map(([, box, text]) => h("label.check", {}, box, ` ${text}`))),
      h("details", {}, h("summary", {}, "Vote on takes instead"),
        h("p.small", {}, `Two variations at a time: say of each whether it has what you mean. ${limits.clips[0]} of each kind are enough to begin with.`),
        prompt, h("div.row", {}, vary), pair),
      h("details", {}, h("summary", {}, "Or two lists of prompts"), h("p.small", {}, "One a line: each is played once, and stands for what it says."),
        ...Object.values(words).map((one) => one.box), h("div.row", {}, render)),
      h("p.small.private", {}, "Your clips are read in memory, by a process that can do nothing else, and are gone as soon as they are heard. The concept lives in this tab: nobody else sees it, and nothing of it stays but what you keep as a file or share."),
      h("div.row.wrap.launch", {}, go, halt), bar, error, result,
      h("h3.eyebrow", {}, "Yours"), mine,
      h("label.drop", {}, "Bring a concept's file: ", h("u", {}, "choose it"), h("input", { type: "file", accept: ".zip,application/zip", "aria-label": "Bring a concept's file", onchange: ({ target }) => bring(target).catch(failed) })))));

function lines(label, example) {
  const input = h("textarea", { rows: 3, placeholder: example });
  return { input, box: h("label.lines", {}, h("span.small", {}, label), input), get prompts() { return input.value.split("\n").map((one) => one.trim()).filter(Boolean); } };
}

function drop(group, before, after) {
  const input = h("input", { type: "file", multiple: true, accept: "audio/*,.wav,.flac,.ogg,.mp3", "aria-label": group === "has" ? "Choose clips that have it" : "Choose clips that have it not", onchange: () => { files(group, input.files); input.value = ""; } });
  const box = h("label.drop", {}, before, h("u", {}, "choose them"), h("span.small", {}, after), input);
  for (const kind of ["dragover", "dragleave", "drop"])
    box.addEventListener(kind, (event) => {
      event.preventDefault();
      box.classList.toggle("over", kind === "dragover");
      if (kind === "drop") files(group, event.dataTransfer.files);
    });
  return box;
}

const failed = (failure) => {
  if (failure.name !== "AbortError") error.textContent = failure.message;
};
const parts = () => belongs.filter(([, box]) => box.checked).map(([part]) => part);

// ---- examples -------------------------------------------------------------------------------
function files(group, chosen) {
  error.textContent = "";
  for (const file of chosen) took(group, file.name, file);
}

function took(group, title, sound, more = {}) {
  const one = { group, title, sound, record: null, key: null, wrong: "", spans: [], ...more };
  if (groups[group].length >= limits.clips[1]) return failed(new Error(`${title} is one too many: ${limits.clips[1]} clips are taken.`));
  if (sound.size > limits.bytes) one.wrong = `${title} has ${Math.round(sound.size / 1e6)} MB, ${limits.bytes / 1e6} are taken: cut it, or give it as FLAC or MP3`;
  one.state = h("span.small.about");
  one.row = h("li", {}, h("button.quiet", { type: "button", "aria-label": `Play ${title}`, onclick: () => play(one.sound) }, "▶"),
    h("span.name", { title }, title), one.state,
    h("button.quiet.remove", { type: "button", "aria-label": `Remove ${title}`, onclick: () => remove(one) }, "×"));
  groups[group].push(one);
  lists[group].append(one.row);
  if (!one.wrong) soon(one);
  shown();
  return one;
}

function remove(one) {
  groups[one.group] = groups[one.group].filter((other) => other !== one);
  one.row.remove();
  shown();
}

let playing = null;
function play(sound) {
  if (playing === sound && !player.paused) return player.pause();
  studio.say("hush");
  if (player.src) URL.revokeObjectURL(player.src);
  playing = sound;
  player.src = URL.createObjectURL(sound);
  player.play().catch(() => failed(new Error("This browser does not play this file; it may be read all the same.")));
}

function shown() {
  for (const group of ["has", "not"]) {
    counts[group].textContent = groups[group].length ? `· ${groups[group].length}` : "";
    for (const one of groups[group]) {
      one.state.textContent = one.wrong || (one.record ? [`${one.record.seconds.toFixed(1)} s`, ...one.spans.map(([start, end]) => `${start.toFixed(1)} to ${end.toFixed(1)} s`)].join(", ") : "listening …");
      one.row.classList.toggle("wrong", Boolean(one.wrong));
    }
  }
  const on = microphone.running;
  mic.textContent = on ? "■ Stop recording" : "● Record";
  mic.setAttribute("aria-pressed", Boolean(on));
}

async function record() {
  error.textContent = "";
  if (microphone.running) return microphone.end();
  await microphone.begin();
  shown();
}

// ---- listening: a clip at a time goes to the page and comes back as codes ---------------------
const keyed = (one) => JSON.stringify([one.take ? [] : parts(), studio.recipe?.model]);

function soon(one) {
  line.push(one);
  while (hearing < AT_ONCE && line.length) listen();
}

async function listen() {
  const one = line.shift();
  hearing++;
  try {
    await listened(one);
  } catch (failure) {
    one.wrong = failure.message;
  }
  hearing--;
  shown();
  if (line.length) listen();
}

function listened(one) {
  const key = keyed(one);
  if (one.key !== key) Object.assign(one, { key, record: null, wrong: "", asking: asked(one) });
  return one.asking;
}

async function asked(one) {
  const clip = one.take ? { take: one.take, side: one.side } : { name: one.title, sound: await base64(one.sound) };
  for (let tries = 0; ; tries++) {
    try {
      const record = await studio.quick("listen_to", clip, one.take ? [] : parts(), groups[one.group].length || 1, studio.recipe?.model ?? "");
      return (one.record = record);
    } catch (failure) {
      if (tries > 30 || !failure.message.startsWith(BUSY)) throw failure;
      await new Promise((after) => setTimeout(after, AGAIN));
    }
  }
}

const base64 = (sound) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.onerror = () => reject(new Error("This file can no longer be read: choose it again."));
  reader.readAsDataURL(sound);
});

// ---- the lesson -----------------------------------------------------------------------------
async function teach() {
  error.textContent = "";
  result.hidden = true;
  working(true);
  controller = new AbortController();
  try {
    say("Listening to the clips …");
    const all = [...groups.has, ...groups.not];
    for (const one of all) {
      await listened(one).catch((failure) => (one.wrong = failure.message));
      shown();
      controller.signal.throwIfAborted();
    }
    const wrong = all.filter((one) => one.wrong);
    if (wrong.length) throw new Error(wrong.length > 1 ? `${wrong.length} clips cannot be taken, as they say beside them: remove them.` : `${wrong[0].wrong}.`);
    const sent = (group) => group.map((one) => (one.spans.length ? { ...one.record, spans: one.spans } : one.record));
    const last = await studio.stream("teach", [sent(groups.has), sent(groups.not), name.value, parts(), studio.recipe?.model ?? ""], progress, controller.signal);
    if (last?.event === "error") throw new Error(last.message);
    if (last?.event === "done") return await learned(last);
    say("Stopped.");
  } catch (failure) {
    say("");
    failed(failure);
  } finally {
    working(false);
  }
}

function working(now) {
  go.hidden = now;
  halt.hidden = bar.hidden = !now;
  bar.value = 0;
  if (!now) session = null;
  else halt.focus({ preventScroll: true });
}

function progress(event) {
  if (event.session) session = event.session;
  if (event.event !== "lesson") return;
  const [from, to] = STAGES[event.what] ?? [0, 0];
  bar.value = from + ((to - from) * event.done) / event.total;
  say(`${event.what[0].toUpperCase()}${event.what.slice(1)}: ${event.done} of ${event.total}`);
}

function stop() {
  say("Stopping …");
  if (session) studio.quick("stop", session).catch(() => controller.abort());
  else controller.abort();
}

function say(text) {
  word.textContent = text;
}

// ---- what came of it ------------------------------------------------------------------------
async function learned(lesson) {
  heard = null;
  const one = studio.own.add({ name: lesson.name, bank: lesson.bank, strength: lesson.strength });
  const hear = h("button.go", { type: "button", disabled: true, onclick: () => toStudio() }, "Making it …");
  const head = lesson.known ? "The model knows it" : lesson.told ? "The model hears something of it" : `It cannot be told from ${lesson.against}`;
  const push = lesson.told && lesson.trials ? (lesson.trials.works ? ", and a push of it is heard" : ", but a push of it is hardly heard") : "";
  const range = ([value, low, high]) => `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const facts = [
    ["Held-out clips told apart", `AUC ${range(lesson.auc)}; chance reaches ${lesson.null.toFixed(2)}`],
    ["Learned from", `${lesson.clips[0]} clips, against ${lesson.clips[1]} of ${lesson.against}, in ${Math.round(lesson.took)} s`],
    lesson.trials && lesson.told && ["A push moves clips", `${percent(lesson.trials.moved)} of the way; a random one ${percent(lesson.trials.random)}`],
    lesson.trials && lesson.told && ["The music", lesson.trials.lives ? "lives" : "suffers"],
    ["It also moves", lesson.overlaps.map(([other, cosine]) => `${other.replaceAll("_", " ")} ${cosine > 0 ? "+" : "−"}${Math.abs(cosine).toFixed(2)}`).join(", ") || "nothing that we know of"],
  ].filter(Boolean);
  const doubt = lesson.told ? [] : [h("p.small", {}, "Its fader is there all the same, and means little: give more clips, or clips without it to compare with.")];
  result.replaceChildren(h("p.headline", {}, `${head}${push}.`), ...doubt,
    h("dl", {}, ...facts.flatMap(([what, value]) => [h("dt", {}, what), h("dd", {}, value)])), hear);
  result.hidden = false;
  say(`${lesson.name} is among Yours, in the Studio and the Live tab.`);
  result.scrollIntoView({ block: "nearest" });
  await example(one, hear);
}

const percent = (share) => `${share < 0 ? "−" : "+"}${Math.abs(Math.round(100 * share))} %`;

// The steered clip beside its twin, made at once; it goes to the player when somebody wants to hear it.
async function example(one, button) {
  const interventions = [studio.own.record(one)];
  const recipe = { ...studio.copy(studio.catalogue.recipe), model: studio.recipe.model, prompt: studio.recipe.prompt, seed: studio.recipe.seed, interventions, banks: studio.own.carried(interventions) };
  try {
    heard = await studio.made(recipe, () => {}, controller.signal);
    button.textContent = "▶ Hear it beside its twin";
    button.disabled = false;
  } catch (failure) {
    button.textContent = "It could not be played";
    failed(failure);
  }
}

function toStudio() {
  tab();
  studio.say("load", { recipe: heard.event.recipe });
  studio.say("take", heard);
  studio.sound.wake();
  studio.sound.play(0);
}

const tab = () => document.querySelector(".tabs button[role=tab], button[role=tab]")?.click();

// ---- what is yours --------------------------------------------------------------------------
function yours() {
  const rows = [...studio.own.all.values()].map((one) => {
    const title = studio.own.called(one.key);
    const act = (text, label, run) => h("button.quiet", { type: "button", "aria-label": `${label} ${title}`, onclick: () => { error.textContent = ""; Promise.resolve(run()).catch(failed); } }, text);
    return h("li", {}, h("span.name", { title }, title),
      act("Use", "Put into the Studio tab:", () => use(one)), act("Keep", "Keep as a file:", () => keep(one)), act("Rename", "Rename", () => rename(one)), act("×", "Forget", () => studio.own.forget(one.key)));
  });
  mine.replaceChildren(...(rows.length ? rows : [h("li.empty", {}, "Nothing yet.")]));
}

function use(one) {
  const { recipe } = studio;
  const others = recipe.interventions.filter((known) => known.bank !== one.key).slice(0, studio.catalogue.limits.concepts - 1);
  studio.say("load", { recipe: { ...recipe, interventions: [...others, studio.own.record(one)] } });
  tab();
}

async function keep(one) {
  const got = await studio.quick("concept_file", one.bank);
  const url = URL.createObjectURL(new Blob([Uint8Array.from(atob(got.base64), (letter) => letter.charCodeAt(0))], { type: got.mime }));
  h("a", { href: url, download: got.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

async function rename(one) {
  const asked = window.prompt("What is it called?", one.name);
  if (asked === null) return;
  studio.own.rename(one.key, await studio.quick("rename_concept", one.bank, asked));
}

async function bring(input) {
  const [file] = input.files;
  if (!file) return;
  error.textContent = "";
  if (file.size > 200000) throw new Error("This file is too large for a concept.");
  const given = await studio.quick("open_concept", await base64(file), studio.recipe?.model ?? "");
  input.value = "";
  say(`${studio.own.add(given).name} is among Yours.`);
}

// ---- takes: a part of one that was played, votes, prompts -------------------------------------
studio.on("span", ({ take, name: title, side, start, end, samples, rate }) => {
  const known = groups.has.find((one) => one.take === take && one.side === side);
  const one = known ?? took("has", title, wavOf(samples, rate), { take, side });
  one?.spans.push([start, end].map((second) => Math.round(100 * second) / 100));
  shown();
});

// A take of a prompt as it is, kept by its id; its sound stays in this tab.
async function variation(text, stage) {
  const { event, samples, rate } = await studio.made({ ...studio.copy(studio.catalogue.recipe), model: studio.recipe?.model ?? studio.catalogue.model, prompt: text, seconds: VOTE_SECONDS, seed: Math.floor(Math.random() * SEEDS), interventions: [] }, stage);
  return { title: `${text}, seed ${event.recipe.seed}`, sound: wavOf(samples.unsteered, rate), take: event.clip, side: "unsteered" };
}

const counted = (button, text) => ({ done, total }) => total && (button.textContent = `${text} ${Math.round((100 * done) / total)} %`);

async function variations() {
  error.textContent = "";
  vary.disabled = true;
  try {
    const made = await Promise.all([1, 2].map(() => variation(prompt.value, counted(vary, "Making them …"))));
    pair.replaceChildren(...made.map((one, place) => vote(one, place + 1)));
  } finally {
    vary.disabled = false;
    vary.textContent = "Two more";
  }
}

function vote(made, place) {
  const { title, sound, ...more } = made;
  const say = (group, text) => h("button.quiet", { type: "button", "aria-label": `Variation ${place}: ${text}`, onclick: () => {
    took(group, title, sound, more);
    box.remove();
    if (!pair.children.length) variations().catch(failed);
  } }, text);
  const box = h("div.row.wrap", {}, h("button.quiet", { type: "button", "aria-label": `Play variation ${place}`, onclick: () => play(sound) }, `▶ ${place}`), say("has", "has it"), say("not", "has it not"),
    h("button.quiet", { type: "button", "aria-label": `Variation ${place}: neither`, onclick: () => box.remove() }, "neither"));
  return box;
}

async function prompts() {
  error.textContent = "";
  render.disabled = true;
  try {
    for (const group of ["has", "not"])
      for (const text of words[group].prompts) {
        const { title, sound, ...more } = await variation(text, counted(render, `${text.slice(0, 20)} …`));
        took(group, title, sound, more);
      }
  } finally {
    render.disabled = false;
    render.textContent = "Make them";
  }
}

studio.on("own", yours);
yours();
addEventListener("pagehide", () => controller?.abort());
