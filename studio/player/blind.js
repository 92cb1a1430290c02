// ABX: A and B are known, X is one of them; and ratings. What X is stays on the server until the answer.
const root = element.querySelector(".blind");
const buffers = {};
let context = null, trial = null, playing = null, source = null;

const word = h("p.state", { role: "status" }, "Make a clip in the Studio tab first; then find out whether you can hear what steering does.");
const players = ["A", "B", "X"].map((name) => h("button.big", { type: "button", disabled: true, "data-player": name, "aria-pressed": "false", onclick: () => play(name) }, name));
const answers = [["steered", "X is A"], ["unsteered", "X is B"]].map(([said, text]) =>
  h("button.go", { type: "button", disabled: true, "data-said": said, onclick: () => answer(said) }, text));
const score = h("p.score", { role: "status" });
const begin = h("button.go", { type: "button", onclick: draw }, "New trial");
const marks = ["presence", "quality", "prompt", "preference"];
const asked = { presence: "The concept is there", quality: "It sounds good", prompt: "It follows the prompt", preference: "I like it" };
const ratings = h("div.ratings");
const results = h("div.scroll.results");
root.append(
  h("div.head", {}, h("h2", {}, "Blind test"), word),
  h("p.small", {}, "A is the steered clip, B its unsteered twin, X one of them, at one loudness. Keys: ", h("kbd", {}, "a"), h("kbd", {}, "b"), h("kbd", {}, "x"), " play, ", h("kbd", {}, "1"), h("kbd", {}, "2"), " answer, ", h("kbd", {}, "n"), " next."),
  h("div.row.wrap", {}, begin, ...players, ...answers), score,
  h("h3.eyebrow", {}, "Rate both"), ratings,
  h("div.head", {}, h("h3.eyebrow", {}, "Results so far"), h("button.quiet", { type: "button", onclick: download }, "Answers as CSV")), results);

for (const side of ["steered", "unsteered"]) {
  const inputs = Object.fromEntries(marks.map((name) => [name, h("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": `${asked[name]}, ${side}` })]));
  ratings.append(h("fieldset", {}, h("legend", {}, side === "steered" ? "A, steered" : "B, unsteered"),
    ...marks.map((name) => h("label.field", {}, h("span", {}, asked[name]), inputs[name])),
    h("button.quiet", { type: "button", onclick: async () => {
      if (!studio.pair) return (word.textContent = "Make a clip in the Studio tab first.");
      try {
        await studio.quick("rate", await studio.listener(), studio.pair.clip, side, Object.fromEntries(marks.map((name) => [name, +inputs[name].value])));
        word.textContent = "Thank you: your rating is kept.";
        refresh();
      } catch (failure) {
        word.textContent = failure.message;
      }
    } }, "Send rating")));
}

async function draw() {
  if (!studio.pair) return (word.textContent = "Make a clip in the Studio tab first.");
  studio.say("hush");
  hush();
  word.textContent = "Drawing X …";
  try {
    context ??= new AudioContext({ sampleRate: studio.sound.rate });
    await context.resume();
    trial = await studio.call("blind_trial", await studio.listener(), studio.pair.clip);
    for (const name of ["A", "B", "X"]) {
      const bytes = Uint8Array.from(atob(trial[name.toLowerCase()]), (letter) => letter.charCodeAt(0));
      const samples = Float32Array.from(new Int16Array(bytes.buffer), (value) => value / 32768);
      buffers[name] = context.createBuffer(1, samples.length, trial.sample_rate);
      buffers[name].copyToChannel(samples, 0);
    }
    for (const button of [...players, ...answers]) button.disabled = false;
    word.textContent = "Which of the two is X?";
    play("X");
  } catch (failure) {
    word.textContent = failure.message;
  }
}

// A switch keeps the playhead, so that the same moment can be compared.
function play(name) {
  if (!buffers[name]) return;
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

async function answer(said) {
  if (!trial) return;
  const { trial: id } = trial;
  trial = null;
  for (const button of answers) button.disabled = true;
  hush();
  try {
    const told = await studio.quick("blind_answer", id, said);
    word.textContent = told.right ? `Right: X was ${told.hidden}.` : `No: X was ${told.hidden}.`;
    score.textContent = `${told.correct} of ${told.trials} right, p = ${told.p.toPrecision(2)} by guessing`;
    refresh();
  } catch (failure) {
    word.textContent = failure.message;
  }
}

async function refresh() {
  try {
    const all = await studio.quick("blind_results");
    const lines = all.by_concept.map((one) => h("tr", {}, h("th", { scope: "row" }, one.concepts), h("td", {}, `${one.correct} of ${one.trials}`), h("td", {}, one.p.toPrecision(2))));
    const rated = marks.map((name) => {
      const mean = (side) => all.ratings.find((one) => one.attribute === name && one.side === side);
      const text = (one) => (one ? `${one.mean} (${one.count})` : "–");
      return h("tr", {}, h("th", { scope: "row" }, asked[name]), h("td", {}, text(mean("steered"))), h("td", {}, text(mean("unsteered"))));
    });
    results.replaceChildren(
      all.trials ? h("table", {}, h("thead", {}, h("tr", {}, ...["Steered by", "Right", "p"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...lines))
        : h("p.empty", {}, "No answers yet."),
      all.ratings.length ? h("table", {}, h("thead", {}, h("tr", {}, ...["Mean rating, 0 to 100", "Steered", "Unsteered"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...rated)) : "");
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
  const act = { a: () => play("A"), b: () => play("B"), x: () => play("X"), 1: () => answer("steered"), 2: () => answer("unsteered"), n: draw }[event.key.toLowerCase()];
  if (!act) return;
  act();
  event.preventDefault();
});

studio.on("pair", () => { word.textContent = "Ready: draw a trial."; });
if (studio.pair) word.textContent = "Ready: draw a trial.";
refresh();
