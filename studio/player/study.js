// A listening study, one step at a time: headphones, training, trials, a code. What is what stays on the server.
const root = document.querySelector(".study");
const name = location.search.slice(1).split("&")[0];
const KEY = `study-${name}`;
const SCALES = {
  quality: { ask: () => "How good does each of them sound?", words: ["bad", "poor", "fair", "good", "excellent"] },
  strength: { ask: (concept) => `How much of “${concept}” do you hear in each?`, words: ["none", "a little", "some", "much", "all the time"] },
};
const FADE = 0.015;
let context = null, step = null, buffers = {}, playing = null, heard = [], shownAt = 0, keys = {}, ready = () => {}, sending = false;

const word = h("p.state", { role: "status" });
const board = h("div.board");
root.append(board, word);

const draw = (title, ...parts) => {
  const heading = h("h2", { tabindex: "-1" }, title);
  board.replaceChildren(heading, ...parts);
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
};
const go = (text, onclick, more = {}) => h("button.go", { type: "button", onclick, ...more }, text);
const line = (...text) => h("p", {}, ...text);
const hint = (text, ...does) => h("p.small", {}, text, h("span.keys", {}, " Keys: ", ...does.flatMap(([pressed, what], place) =>
  [place ? ", " : "", h("span", {}, ...pressed.map((key) => h("kbd", {}, key)), ` ${what}`)]), "."));

// ---- the server, which may go away and come back ----------------------------------------------
async function surely(ask) {
  for (;;) {
    try {
      const said = await ask();
      word.textContent = "";
      return said;
    } catch (failure) {
      if (!failure.cause) throw failure;
      word.textContent = "The server does not answer. Nothing is lost: this goes on where it was as soon as it is back.";
      await new Promise((again) => studio.addEventListener("online", again, { once: true }));
      if (!(await fetch(`${location.origin}/gradio_api/info`).then((answer) => answer.ok, () => false))) await new Promise((again) => setTimeout(again, 1000));
    }
  }
}

const remembered = () => {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return studio.known ?? null;
  }
};
function remember(listener) {
  studio.known = listener;
  try {
    localStorage.setItem(KEY, listener);
  } catch {
    // A page that is loaded again begins anew, then.
  }
}

// ---- sound: a switch keeps the playhead, and all that is played is noted -----------------------------
const now = () => (performance.now() - shownAt) / 1000;

function unpack(text, channels) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const values = new Int16Array(bytes.buffer), frames = values.length / channels;
  const buffer = context.createBuffer(channels, frames, step.sample_rate);
  for (let channel = 0; channel < channels; channel++) {
    const out = buffer.getChannelData(channel);
    for (let n = 0; n < frames; n++) out[n] = values[n * channels + channel] / 32768;
  }
  return buffer;
}

function hush() {
  if (!playing) return;
  const { source, gain, label, from } = playing;
  gain.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
  source.onended = null;
  source.stop(context.currentTime + FADE);
  heard.push([label, from, now()]);
  playing = null;
  for (const button of board.querySelectorAll("[data-player]")) button.setAttribute("aria-pressed", "false");
  for (const choice of board.querySelectorAll(".sounding")) choice.classList.remove("sounding");
}

function play(label, loop = true) {
  const before = playing, at = before && loop ? (context.currentTime - before.began) % buffers[label].duration : 0;
  hush();
  if (before?.label === label && loop) return;
  const source = context.createBufferSource(), gain = context.createGain();
  source.buffer = buffers[label];
  source.loop = loop;
  gain.gain.setValueAtTime(0, context.currentTime);
  gain.gain.linearRampToValueAtTime(1, context.currentTime + FADE);
  source.connect(gain).connect(context.destination);
  source.start(0, at);
  source.onended = hush;
  playing = { source, gain, label, from: now(), began: context.currentTime - at };
  board.querySelector(`[data-player="${label}"]`)?.setAttribute("aria-pressed", "true");
  ready();
}

const started = () => new Set([...heard.map(([label]) => label), playing?.label]);
const player = (label, text, more = {}) => h("button.big", { type: "button", "data-player": label, "aria-pressed": "false", "aria-label": `Play ${text}`, onclick: () => play(label), ...more }, text);

// ---- steps --------------------------------------------------------------------------------------
async function advance() {
  hush();
  word.textContent = "Loading the next sounds …";
  try {
    step = await surely(() => studio.quick("study_next", name, remembered()));
  } catch (failure) {
    if (failure.message.includes("this id")) return welcome();
    word.textContent = failure.message;
    return;
  }
  heard = [];
  keys = {};
  ready = () => {};
  buffers = {};
  if (step.sounds) for (const [label, text] of Object.entries(step.sounds)) buffers[label] = unpack(text, 1);
  if (step.both) buffers.all = unpack(step.both, 2);
  ({ headphones, training, abx, preference, strength: rating, quality: rating, done, refused })[step.step]();
  shownAt = performance.now();
  Object.assign(root.dataset, { step: step.step, trial: step.trial ?? "" });
}

async function answer(said) {
  if (sending) return;
  sending = true;
  hush();
  for (const button of board.querySelectorAll("button, input")) button.disabled = true;
  const { trial } = step;
  word.textContent = "Keeping your answer …";
  try {
    await surely(() => studio.quick("study_answer", name, trial, said, heard));
    sending = false;
    await advance();
  } catch (failure) {
    sending = false;
    for (const button of board.querySelectorAll("button, input")) button.disabled = false;
    word.textContent = failure.message;
  }
}

async function begin() {
  context ??= new AudioContext({ sampleRate: 32000 });
  await context.resume();
  word.textContent = "";
  try {
    if (!remembered()) remember(await surely(() => studio.quick("study_begin", name)));
    await advance();
  } catch (failure) {
    word.textContent = failure.message;
  }
}

async function welcome() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was remembered.
  }
  const about = await surely(() => studio.quick("study", name));
  draw(about.title,
    about.about ? line(about.about) : "",
    line(`You hear short clips of music and say what you hear: ${about.trials} trials, about ${about.minutes} minutes. You need headphones and a quiet place.`),
    line("No name is asked and none is kept: your answers are stored under a random word, with the times at which you played and answered. You may stop whenever you like, and go on later in this browser where you were."),
    go("Begin", begin));
}

async function back() {
  const about = await surely(() => studio.quick("study", name));
  draw(about.title, line("You have begun this study in this browser: it goes on where you were."), go("Go on", begin));
}

const progress = (place, of, what) => [h("p.eyebrow", {}, `${what} ${place} of ${of}`), h("progress", { max: of, value: place - 1, "aria-label": `${what} ${place} of ${of}` })];

function headphones() {
  const choices = step.labels.map((label) => h("button.big", { type: "button", disabled: true, onclick: () => answer({ interval: label }) }, label));
  // The number of the interval that sounds is lit: nobody has to count.
  const listen = () => {
    play("all", false);
    const { source } = playing;
    choices.forEach((choice, place) => {
      const from = place * step.every;
      for (const [lit, at] of [[true, from], [false, from + step.lasts]]) {
        setTimeout(() => playing?.source === source && choice.classList.toggle("sounding", lit), 1000 * at);
      }
    });
  };
  ready = () => { for (const button of choices) button.disabled = false; };
  keys = { l: listen, ...Object.fromEntries(step.labels.map((label, place) => [label, () => choices[place].click()])) };
  draw("Are your headphones on?", ...progress(step.place, step.of, "Round"),
    step.attempt > 1 && step.place === 1 ? line("That did not sound like headphones. Put them on, both ears, and try once more.") : "",
    line("You hear noise three times. In one of them there is also a faint tone. Which one?"),
    h("div.row.wrap", {}, go("Listen", listen), h("div.row", { role: "group", "aria-label": "The tone is in" }, ...choices)),
    hint("If you hear no tone, guess.", [["l"], "listen"], [step.labels, "answer"]));
}

function training() {
  const names = [`With “${step.concept}”`, "Without"];
  keys = Object.fromEntries(step.labels.map((label) => [label, () => play(label)]));
  draw("Before you begin",
    line("Set the volume so that this music is comfortable, and leave it there."),
    h("div.row.wrap", {}, ...step.labels.map((label, place) => h("button", { type: "button", "data-player": label, "aria-pressed": "false", onclick: () => play(label) }, names[place]))),
    line(`Some clips were pushed towards something, here towards “${step.concept}”. In the study you are not told which.`),
    h("ul", {}, h("li", {}, "You may play each sound as often as you like. Switching stays at the same moment of the music."),
      h("li", {}, "There is not always a right answer. Where you are not sure, guess."),
      h("li", {}, "Now and then one clip is plainly damaged: that is meant to be.")),
    go("I am ready", () => answer({})));
}

// Answers open when everything was started and one clip's length has gone by.
function opener(buttons, also = () => true) {
  let since = null;
  const open = () => {
    if (playing && since === null) {
      since = performance.now();
      setTimeout(open, 1000 * step.answer_after + 20);
    }
    const all = step.labels.every((label) => started().has(label));
    const late = since !== null && performance.now() - since >= 1000 * step.answer_after;
    for (const button of buttons) button.disabled = sending || !(all && late && also());
  };
  ready = open;
  return open;
}

function abx() {
  const buttons = ["a", "b"].map((said) => go(`X is ${said.toUpperCase()}`, () => answer({ x: said }), { disabled: true, "data-said": said }));
  opener(buttons);
  keys = { a: () => play("a"), b: () => play("b"), x: () => play("x"), 1: () => buttons[0].click(), 2: () => buttons[1].click() };
  draw("Which of the two is X?", ...progress(step.place, step.of, "Trial"),
    line("A and B differ. X is one of them."),
    h("div.row.wrap", {}, h("div.row", {}, ...step.labels.map((label) => player(label, label.toUpperCase()))), h("div.row", {}, ...buttons)),
    hint("The answers open when you have heard all three.", [["a", "b", "x"], "play"], [["1"], "X is A"], [["2"], "X is B"]));
}

function preference() {
  const said = [["a", "A is better"], ["b", "B is better"], ...(step.ties ? [["tie", "No difference"]] : [])];
  const buttons = said.map(([value, text]) => go(text, () => answer({ prefer: value }), { disabled: true, "data-said": value }));
  opener(buttons);
  keys = { a: () => play("a"), b: () => play("b"), 1: () => buttons[0].click(), 2: () => buttons[1].click(), 0: () => buttons[2]?.click() };
  draw("Which of the two sounds better?", ...progress(step.place, step.of, "Trial"),
    line("Go by your own taste: which would you rather listen to?"),
    h("div.row.wrap", {}, h("div.row", {}, ...step.labels.map((label) => player(label, label.toUpperCase()))), h("div.row.wrap", { role: "group", "aria-label": "Better is" }, ...buttons)),
    hint("The answers open when you have heard both.", [["a", "b"], "play"], [["1"], "A is better"], [["2"], "B is better"], ...(step.ties ? [[["0"], "no difference"]] : [])));
}

function rating() {
  const { ask, words } = SCALES[step.step], scores = {};
  const next = go("Next", () => answer({ scores }), { disabled: true });
  const open = opener([next], () => step.labels.every((label) => label in scores));
  const rows = step.labels.map((label) => {
    const out = h("output", { "aria-hidden": "true" }, "–");
    const said = () => `${scores[label]}, ${words[Math.min(4, Math.floor(scores[label] / 20))]}`;
    const slider = h("input.unset", { type: "range", min: 0, max: 100, value: 50, "aria-label": `Rating of ${label}`, "aria-valuetext": "not rated" });
    const touch = () => {
      scores[label] = Number(slider.value);
      slider.classList.remove("unset");
      slider.setAttribute("aria-valuetext", said());
      out.textContent = slider.value;
      open();
    };
    slider.addEventListener("input", touch);
    slider.addEventListener("click", touch);
    return h("div.rated", {}, player(label, label), slider, out);
  });
  keys = Object.fromEntries(step.labels.map((label) => [label, () => play(label)]));
  draw(ask(step.concept), ...progress(step.place, step.of, "Trial"),
    line("Play each, and give it a number from 0 to 100. Some may be alike."),
    h("div.scale", { "aria-hidden": "true" }, h("span"), h("div", {}, ...words.map((text) => h("span", {}, text))), h("span")),
    ...rows, next,
    hint("“Next” opens when you have heard and rated all.", [step.labels, "play"], [["←", "→"], "move the slider that has the focus"]));
}

function done() {
  word.textContent = "";
  const copied = h("span.small", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(step.code);
      copied.textContent = "Copied.";
    } catch {
      copied.textContent = "Select it, and copy it by hand.";
    }
  };
  draw("That was all. Thank you!", line("Your answers are kept. This code says that you came to the end:"),
    h("div.row.wrap", {}, h("code.code", {}, step.code), h("button", { type: "button", onclick: copy }, "Copy"), copied));
}

function refused() {
  word.textContent = "";
  draw("This study needs headphones", line("The check did not sound like headphones, twice. Thank you for your time: nothing more is needed of you."));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape") hush();
  const act = keys[event.key.toLowerCase()];
  if (!act) return;
  act();
  event.preventDefault();
});

(async () => {
  try {
    await (remembered() ? back() : welcome());
  } catch (failure) {
    draw("No study here", h("p.error", {}, failure.message));
  }
})();
