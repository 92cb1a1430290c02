// The player: starts with the first chunk, switches at the playhead, shows what happens inside.
const sound = (studio.sound = new PairSound());
const root = element.querySelector(".listen");
let controller = null;
let session = null;
let run = 0;

const play = h("button.play", { type: "button", "aria-label": "Play", onclick: toggle }, "▶");
const sides = h("div.sides", { role: "radiogroup", "aria-label": "Which of the two is heard" },
  side("steered", "Steered"), side("unsteered", "Unsteered"));
const loop = h("button.quiet", { type: "button", "aria-pressed": "true", onclick: () => { sound.setLoop(!sound.loop); shown(); } }, "Loop");
const match = h("button.quiet", { type: "button", "aria-pressed": "true", title: "Play both at one loudness", onclick: () => { sound.matching = !sound.matching; sound.level(); shown(); } }, "Match");
const clock = h("output.clock", { "aria-live": "off" }, "0:00.0 / 0:00.0");
const bar = h("progress", { max: 1, value: 0, "aria-label": "Progress of the clip" });
const word = h("p.state", { role: "status" }, "Choose a preset, or press Generate.");
const legend = h("div.legend");
const tracks = new Tracks(sound, (time) => { sound.seek(time); tracks.point(); });
const empty = h("div.hollow", {},
  h("p.big", {}, "Nothing has been played yet"),
  h("p", {}, "The steered clip and its unsteered twin come from one pass with the same noise. They appear here side by side, and you switch between them while they play."));
const deck = h("div.deck", { hidden: true },
  h("div.transport", {}, play, sides, h("div.row", {}, loop, match), clock), tracks.box, legend,
  h("p.keys.small", {}, h("kbd", {}, "space"), " play ", h("kbd", {}, "x"), " switch ", h("kbd", {}, "l"), " loop ", h("kbd", {}, "←"), h("kbd", {}, "→"), " seek"));
root.append(h("div.head", {}, h("h2", {}, "Listen"), word), bar, empty, deck);
bar.hidden = true;

function side(name, text) {
  return h("button", { type: "button", role: "radio", "data-side": name, "aria-checked": name === "steered", onclick: () => choose(name) }, text);
}

function choose(name) {
  sound.heard(name);
  for (const button of sides.children) {
    button.setAttribute("aria-checked", button.dataset.side === name);
    button.tabIndex = button.dataset.side === name ? 0 : -1;
  }
}

async function toggle() {
  if (!sound.filled) return;
  await sound.wake();
  if (sound.playing) sound.pause();
  else sound.play();
  shown();
}

function shown() {
  play.textContent = sound.playing ? "❚❚" : "▶";
  play.setAttribute("aria-label", sound.playing ? "Pause" : "Play");
  loop.setAttribute("aria-pressed", sound.loop);
  match.setAttribute("aria-pressed", sound.matching);
  const db = sound.matchDb;
  match.textContent = sound.complete ? `Match (${db > 0 ? "twin" : "steered"} −${Math.abs(db).toFixed(1)} dB)` : "Match";
}
sound.onover = shown;

(function frame() {
  if (!root.isConnected) return;
  if (sound.playing) tracks.point();
  clock.textContent = `${studio.time(sound.position)} / ${studio.time(sound.duration)}`;
  requestAnimationFrame(frame);
})();

root.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const on = event.target.tagName;
  const act = {
    " ": () => on !== "BUTTON" && toggle(),
    x: () => choose(sound.side === "steered" ? "unsteered" : "steered"),
    l: () => loop.click(),
    m: () => match.click(),
    ArrowLeft: () => seek(-1), ArrowRight: () => seek(1),
    Home: () => seek(-Infinity), End: () => seek(Infinity),
  }[event.key];
  if (!act || (on === "BUTTON" && event.key === " ")) return;
  if (event.target.getAttribute("role") === "radio" && event.key.startsWith("Arrow")) {
    choose(sound.side === "steered" ? "unsteered" : "steered");
    sides.querySelector("[aria-checked=true]").focus();
  } else act();
  event.preventDefault();
});

function seek(by) {
  sound.seek(Math.max(0, Math.min(sound.duration, sound.position + by)));
  tracks.point();
}

// ---- generating -----------------------------------------------------------------------------
async function generate(recipe) {
  const mine = ++run;
  controller?.abort();
  controller = new AbortController();
  studio.asked = performance.now();
  studio.firstSound = null;
  studio.say("busy", true);
  studio.say("error", "");
  say("Asking for the clip …");
  await sound.wake();
  try {
    await studio.stream("generate", [recipe], (event) => mine === run && took(event), controller.signal);
  } catch (failure) {
    if (failure.name !== "AbortError" && mine === run) {
      studio.say("error", failure.message);
      say("");
    }
  }
  if (mine !== run) return;
  studio.say("busy", false);
  bar.hidden = true;
}

function took(event) {
  if (event.session) session = event.session;
  ({ waiting, loading, started, audio, done: ended, stopped: ended, error: broke })[event.event]?.(event);
}

const waiting = ({ place, of }) => say(of > 1 || place > 1 ? `You are number ${place} of ${of} in line …` : "In line …");
const loading = ({ model }) => say(`Loading ${model} …`);

function started({ sample_rate, seconds, recipe }) {
  studio.pair = null;
  sound.clear(sample_rate, seconds);
  sound.wake();
  empty.hidden = true;
  deck.hidden = false;
  tracks.reset(seconds);
  legend.replaceChildren(...recipe.interventions.map((one, place) =>
    h("span", { style: `--colour: var(--concept-${(place % 6) + 1})` }, h("i.dot"), `${one.concept} `)),
    h("span.small", {}, "solid: steered, dashed: twin"));
  legend.hidden = !recipe.interventions.length;
  bar.hidden = false;
  bar.value = 0;
  say("Making the first sound …");
  if (innerWidth < 760) root.scrollIntoView({ block: "start" });
}

function audio(chunk) {
  const first = !sound.filled;
  sound.append(chunk);
  if (first && sound.filled) {
    sound.play(0);
    studio.firstSound = performance.now() - studio.asked;
    shown();
  }
  bar.value = chunk.done / chunk.total;
  say(`${Math.round(bar.value * 100)} % made, it plays already`);
  tracks.draw();
}

function ended(event) {
  sound.finish();
  if (!event.clip) return say("Stopped before there was any sound.");
  sound.matchDb = event.match_db;
  sound.level();
  studio.pair = event;
  tracks.seconds = sound.duration;
  tracks.draw();
  if (sound.playing && sound.loop) sound.play(sound.position);
  else if (sound.playing) sound.endWhenOver();
  shown();
  say(event.event === "stopped" ? "Stopped; what was made stays." : "");
  studio.say("pair", event);
  look(event.clip);
}

function broke({ message }) {
  studio.say("error", message);
  say("");
}

async function look(clip) {
  try {
    const view = await studio.call("analyse", clip);
    if (studio.pair?.clip === clip) tracks.show(view);
  } catch (failure) {
    say(failure.message);
  }
}

// A take from elsewhere: the live panel's.
studio.on("take", ({ samples, rate, event }) => {
  run++;
  sound.clear(rate, event.seconds);
  for (const name of ["steered", "unsteered"]) {
    sound.whole[name].set(samples[name].subarray(0, sound.length));
    sound.samples[name] = Float32Array.from(sound.whole[name], (value) => value / 32768);
  }
  sound.filled = sound.length;
  empty.hidden = true;
  deck.hidden = false;
  tracks.reset(event.seconds);
  legend.hidden = true;
  ended(event);
});

function say(text) {
  word.textContent = text;
  studio.say("state", text);
}

studio.on("generate", generate);
studio.on("stop", () => session && studio.quick("stop", session).catch(() => controller?.abort()));
studio.on("hush", () => { if (sound.playing) { sound.pause(); shown(); } });
addEventListener("pagehide", () => controller?.abort());
