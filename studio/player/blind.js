// ABX: A and B in an order by lot, X is one of them; and ratings. What they are stays on the server until the last round.
const root = element.querySelector(".blind");
const MOST_CLIPS = 8;
const buffers = {};
let clips = [], turn = 0, made = 0, round = 0;
let wanted = false, busy = false, drawing = false;
let context = null, trial = null, playing = null, source = null, opening = null;

const word = h("p.state", { role: "status" });
const players = ["A", "B", "X"].map((name) => h("button.big", { type: "button", disabled: true, "data-player": name, "aria-pressed": "false", onclick: () => play(name) }, name));
const answers = ["a", "b"].map((said) =>
  h("button.go", { type: "button", disabled: true, "data-said": said, onclick: () => answer(said) }, `X is ${said.toUpperCase()}`));
const score = h("p.score", { role: "status" });
const begin = h("button.go", { type: "button", onclick: draw }, "Start");
const more = h("button.quiet", { type: "button", onclick: make }, "Make another clip");
const there = h("p.small", {});
const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Rounds answered" });
const told = h("div.scroll.rounds");
const marks = ["presence", "quality", "prompt", "preference"];
const asked = { presence: "The concept is there", quality: "It sounds good", prompt: "It follows the prompt", preference: "I like it" };
const ratings = h("div.ratings");
const results = h("div.scroll.results");
root.append(
  h("div.head", {}, h("h2", {}, "Blind test"), word),
  h("p.small", {}, "A and B are a steered clip and the unsteered one, in an order by lot, at one loudness. X is one of the two: which? Each round is another few seconds; the score comes after the last one. ", h("span.keys", {}, "Keys: ", h("kbd", {}, "a"), h("kbd", {}, "b"), h("kbd", {}, "x"), " play, ", h("kbd", {}, "1"), h("kbd", {}, "2"), " answer X is A, X is B, ", h("kbd", {}, "n"), " start.")),
  bar, h("div.row.wrap", {}, begin, h("div.row", {}, ...players), h("div.row", {}, ...answers)), h("div.row.wrap", {}, more, there), score, told,
  h("h3.eyebrow", {}, "Rate the clip that was made last"), ratings,
  h("div.head", {}, h("h3.eyebrow", {}, "Results so far"), h("button.quiet", { type: "button", onclick: download }, "Answers as CSV")), results);

// ---- clips to hear --------------------------------------------------------------------------
// A preset is played as in the Studio tab, the next one each time.
function make() {
  const { presets } = studio.catalogue;
  const preset = presets[made++ % presets.length];
  word.textContent = "Making a clip …";
  studio.say("load", { recipe: preset?.recipe ?? studio.recipe, play: true });
}

function offer() {
  begin.hidden = more.hidden = there.hidden = trial !== null;
  begin.disabled = more.disabled = busy || drawing;
  begin.textContent = round ? "Go on" : clips.length ? "Start" : "Make a clip and start";
  more.hidden ||= !clips.length;
  there.textContent = clips.length > 1 ? `The rounds take turns over the last ${clips.length} clips.`
    : clips.length ? "All rounds are about one clip; with more of them they take turns."
    : "It needs a clip: a preset is played for you, unless you make one of your own in the Studio tab.";
}

studio.on("pair", ({ clip }) => {
  clips = [...clips.filter((one) => one !== clip), clip].slice(-MOST_CLIPS);
  for (const forget of forgetting) forget();
  if (!trial) word.textContent = "Ready.";
  offer();
});
studio.on("busy", (now) => {
  busy = now;
  if (busy) hush();
  offer();
  if (!busy && wanted && clips.length && root.offsetParent) draw();
  wanted &&= busy;
});
studio.on("state", (text) => { if (text && busy && !trial) word.textContent = text; });
studio.on("error", (text) => { if (text && !trial) word.textContent = text; });

// ---- rounds ---------------------------------------------------------------------------------
async function draw() {
  if (trial || busy || drawing) return;
  wanted = !clips.length;
  if (wanted) return make();
  studio.say("hush");
  hush();
  word.textContent = "Drawing X …";
  score.textContent = "";
  told.replaceChildren();
  const clip = clips[turn++ % clips.length];
  drawing = true;
  offer();
  try {
    context ??= new AudioContext({ sampleRate: studio.sound.rate });
    await context.resume();
    show(await studio.call("blind_trial", await studio.listener(), clip));
  } catch (failure) {
    word.textContent = failure.message;
    if (failure.message.includes("no longer kept")) clips = clips.filter((one) => one !== clip);
  }
  drawing = false;
  offer();
}

function show(drawn) {
  trial = drawn;
  for (const name of ["A", "B", "X"]) {
    const bytes = Uint8Array.from(atob(trial[name.toLowerCase()]), (letter) => letter.charCodeAt(0));
    const samples = Float32Array.from(new Int16Array(bytes.buffer), (value) => value / 32768);
    buffers[name] = context.createBuffer(1, samples.length, trial.sample_rate);
    buffers[name].copyToChannel(samples, 0);
  }
  count(trial.round - 1, trial.of);
  for (const button of players) button.disabled = false;
  word.textContent = `Round ${trial.round} of ${trial.of}: which of the two is X?`;
  opening = setTimeout(() => { for (const button of answers) button.disabled = false; }, 1000 * trial.answer_after);
  play("X");
}

function count(done, of) {
  round = done % of;
  bar.hidden = false;
  bar.value = done / of;
}

// A switch keeps the playhead, so that the same moment can be compared.
function play(name) {
  if (!trial) return;
  const again = playing?.name === name;
  const at = playing ? (context.currentTime - playing.began) % buffers[name].duration : 0;
  hush();
  if (again) return;
  source = context.createBufferSource();
  source.buffer = buffers[name];
  source.loop = true;
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, context.currentTime);
  gain.gain.linearRampToValueAtTime(1, context.currentTime + 0.015);
  source.connect(gain).connect(context.destination);
  source.start(0, at);
  playing = { name, began: context.currentTime - at };
  for (const button of players) button.setAttribute("aria-pressed", button.dataset.player === name);
}

function hush() {
  source?.stop();
  source = playing = null;
  for (const button of players) button.setAttribute("aria-pressed", "false");
}

// Answers open when X can have been heard once; what comes sooner would not count.
async function answer(said) {
  if (!trial || answers[0].disabled) return;
  const { trial: id } = trial;
  trial = null;
  clearTimeout(opening);
  for (const button of [...players, ...answers]) button.disabled = true;
  hush();
  try {
    const taken = await studio.quick("blind_answer", id, said);
    count(taken.round, taken.of);
    if (!taken.done) return draw();
    word.textContent = "That was the last round.";
    tell(taken);
    refresh();
  } catch (failure) {
    word.textContent = failure.message;
  }
  offer();
}

function tell({ correct, trials, p, too_quick, rounds }) {
  score.textContent = `${correct} of ${trials} right, p = ${p.toPrecision(2)} by guessing` + (too_quick ? `; ${too_quick} answered too quickly to count` : "");
  const rows = rounds.map((one, place) => h(one.right ? "tr" : "tr.wrong", {}, h("th", { scope: "row" }, place + 1),
    ...[one.a === "steered" ? "A" : "B", one.x.toUpperCase(), one.right ? "right" : "wrong", `${one.seconds.toFixed(0)} s`, named(one.concepts)].map((text) => h("td", {}, text))));
  told.replaceChildren(table(["Round", "Steered was", "X was", "You were", "After", "Steered by"], rows));
}

const named = (concepts) => concepts.replaceAll("_", " ");
const table = (heads, rows) => h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...rows));

// ---- ratings --------------------------------------------------------------------------------
// A slider that nobody touched says nothing, and is not sent.
const forgetting = ["steered", "unsteered"].flatMap((side) => {
  const touched = new Set();
  const sliders = marks.map((name) => {
    const input = h("input.unset", { type: "range", min: 0, max: 100, value: 50, "aria-label": `${asked[name]}, ${side}`, "aria-valuetext": "not rated" });
    const out = h("output", {}, "–");
    const touch = () => {
      touched.add(name);
      input.classList.remove("unset");
      input.removeAttribute("aria-valuetext");
      out.textContent = input.value;
    };
    input.addEventListener("input", touch);
    input.addEventListener("click", touch);
    const forget = () => {
      touched.delete(name);
      input.classList.add("unset");
      input.setAttribute("aria-valuetext", "not rated");
      input.value = 50;
      out.textContent = "–";
    };
    return { name, input, forget, box: h("label.field", {}, h("span", {}, asked[name]), input, out) };
  });
  const said = h("span.small", { role: "status" });
  const send = async () => {
    if (!studio.pair) return (said.textContent = "Make a clip first.");
    if (!touched.size) return (said.textContent = "Move a slider first.");
    try {
      const scores = Object.fromEntries(sliders.filter(({ name }) => touched.has(name)).map(({ name, input }) => [name, +input.value]));
      await studio.quick("rate", await studio.listener(), studio.pair.clip, side, scores);
      said.textContent = "Thank you: your rating is kept.";
      refresh();
    } catch (failure) {
      said.textContent = failure.message;
    }
  };
  ratings.append(h("fieldset", {}, h("legend", {}, side === "steered" ? "Steered" : "Unsteered"), ...sliders.map((one) => one.box),
    h("div.row.wrap", {}, h("button.quiet", { type: "button", onclick: send }, "Send rating"), said)));
  return [...sliders.map((one) => one.forget), () => { said.textContent = ""; }];
});

// ---- results --------------------------------------------------------------------------------
async function refresh() {
  try {
    const all = await studio.quick("blind_results");
    const lines = all.by_concept.map((one) => h("tr", {}, h("th", { scope: "row" }, named(one.concepts)), h("td", {}, `${one.correct} of ${one.trials}`), h("td", {}, one.p.toPrecision(2))));
    const rated = marks.map((name) => {
      const mean = (side) => all.ratings.find((one) => one.attribute === name && one.side === side);
      const text = (one) => (one ? `${one.mean} (${one.count})` : "–");
      return h("tr", {}, h("th", { scope: "row" }, asked[name]), h("td", {}, text(mean("steered"))), h("td", {}, text(mean("unsteered"))));
    });
    const out = [[all.unfinished, "in tests that go on"], [all.too_quick, "answered too quickly to have listened"]].filter(([number]) => number);
    results.replaceChildren(
      all.trials ? table(["Steered by", "Right", "p"], lines) : h("p.empty", {}, "No finished test yet."),
      out.length ? h("p.small", {}, `Left out: ${out.map(([number, why]) => `${number} ${why}`).join(", ")}.`) : "",
      all.ratings.length ? table(["Mean rating, 0 to 100", "Steered", "Unsteered"], rated) : "");
  } catch (failure) {
    results.replaceChildren(h("p.error", {}, failure.message));
  }
}

async function download() {
  const text = await studio.quick("answers_csv");
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  h("a", { href: url, download: "answers.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

root.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
  const act = { a: () => play("A"), b: () => play("B"), x: () => play("X"), 1: () => answer("a"), 2: () => answer("b"), n: draw }[event.key.toLowerCase()];
  if (!act) return;
  act();
  event.preventDefault();
});

new IntersectionObserver(([seen]) => seen.isIntersecting || hush()).observe(root);
if (studio.pair) clips.push(studio.pair.clip);
offer();
refresh();
