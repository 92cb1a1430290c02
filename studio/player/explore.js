// The datasets that probes are trained on, the banks, and the report's figures.
const root = element.querySelector(".explore");
const word = h("p.state", { role: "status" });
const sets = h("div.sets"), clips = h("div.clips"), banks = h("div.banks"), figures = h("div.figures");
const chosen = h("select", { "aria-label": "Bank", onchange: () => bank(chosen.value) });
root.append(h("div.head", {}, h("h2", {}, "Explore"), word),
  h("h3.eyebrow", {}, "Datasets"), sets, clips,
  h("h3.eyebrow", {}, "Directions"), h("label.field", {}, h("span", {}, "Bank"), chosen), banks,
  h("h3.eyebrow", {}, "Figures"), figures);
let context = null, source = null;

async function begin() {
  try {
    const there = await studio.call("datasets");
    sets.replaceChildren(...there.map((one) => h("button.set", { type: "button", onclick: () => hear(one.name) },
      h("strong", {}, one.title), h("span", {}, `${one.clips.toLocaleString()} clips`), h("span.small", {}, one.summary))));
    const names = studio.catalogue.families.flatMap((one) => Object.values(one.banks));
    chosen.replaceChildren(...names.map((name) => h("option", { value: name }, titled(studio.catalogue.banks[name]))));
    if (names.length) bank(names[0]);
    else banks.replaceChildren(h("p.empty", {}, "No bank fits this model: train one with 'python -m steering train'."));
    const report = await studio.call("figures");
    const folders = new Map();
    for (const one of report) {
      const name = one.title.split(": ")[0];
      folders.set(name, [...(folders.get(name) ?? []), one]);
    }
    figures.replaceChildren(...[...folders].map(([name, parts]) => h("section.report", {}, h("h4", {}, name.replaceAll(/[-_]/g, " ")),
      h("div.pictures", {}, ...parts.filter((one) => one.image).map((one) => h("img", { src: `data:image/png;base64,${one.image}`, alt: one.title, loading: "lazy" }))),
      ...parts.filter((one) => one.text).map((one) => h("details", {}, h("summary", {}, "The whole report"), ...written(one.text))))));
    if (!report.length) figures.replaceChildren(h("p.empty", {}, "There is no evaluation report here yet: 'python -m steering evaluate notes' writes one."));
  } catch (failure) {
    word.textContent = failure.message;
  }
}

const titled = ({ family, method }) => `${family} by ${method}`.replaceAll("_", " ");

async function hear(name) {
  word.textContent = "Playing a few clips from the recipe …";
  try {
    const made = await studio.call("dataset_clips", name, Math.floor(Math.random() * 1e6));
    clips.replaceChildren(...made.map((clip) => h("article.clip", {},
      h("button.quiet", { type: "button", "aria-label": `Play: ${clip.caption}`, onclick: () => play(clip) }, "▶"),
      h("p", {}, clip.caption),
      h("dl", {}, ...Object.entries(clip.labels).flatMap(([key, value]) => [h("dt", {}, key.replaceAll("_", " ")), h("dd", {}, String(value))])))));
    word.textContent = "";
  } catch (failure) {
    word.textContent = failure.message;
  }
}

async function play(clip) {
  studio.say("hush");
  context ??= new AudioContext();
  await context.resume();
  const bytes = Uint8Array.from(atob(clip.audio), (letter) => letter.charCodeAt(0));
  const buffer = await context.decodeAudioData(bytes.buffer);
  source?.stop();
  source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.start();
}

async function bank(name) {
  try {
    const { family, method } = studio.catalogue.banks[name];
    const { concepts, scores, likeness, layer } = await studio.call("bank", family, method);
    banks.replaceChildren(
      heat(concepts, scores[0].map((_, n) => `${n}`), scores, "Validation score of each concept at each layer", (v) => v.toFixed(2), Math.min(0.5, ...scores.flat()), 1),
      heat(concepts, concepts, likeness, `How alike the directions are, at layer ${layer}`, (v) => v.toFixed(2), -1, 1));
  } catch (failure) {
    banks.replaceChildren(h("p.error", {}, failure.message));
  }
}

function heat(rows, columns, values, title, text, low, high) {
  const tint = (v) => `color-mix(in oklab, var(${v >= 0 || low >= 0 ? "--steered" : "--twin"}) ${Math.round(100 * Math.min(1, Math.abs(low < 0 ? v : (v - low) / (high - low))))}%, var(--paper))`;
  return h("div.scroll", {}, h("table.heat", {}, h("caption", {}, title),
    h("thead", {}, h("tr", {}, h("td"), ...columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...rows.map((name, r) => h("tr", {}, h("th", { scope: "row" }, name),
      ...values[r].map((v) => h("td", { style: `background: ${tint(v)}`, title: text(v) }, h("span.hidden", {}, text(v)))))))));
}

// The Markdown that reports are written in: headings, lists, tables and paragraphs.
function written(text) {
  const nodes = [];
  const cells = (line, tag) => h("tr", {}, ...line.split("|").slice(1, -1).map((cell) => h(tag, {}, cell.trim())));
  for (const block of text.split(/\n{2,}/)) {
    const lines = block.split("\n").filter((line) => line && !line.startsWith("!["));
    if (!lines.length || lines[0].startsWith("# ")) continue;
    if (lines[0].startsWith("## ")) nodes.push(h("h5", {}, lines[0].slice(3)));
    else if (lines[0].startsWith("- ")) nodes.push(h("ul", {}, ...lines.map((line) => h("li", {}, line.slice(2)))));
    else if (lines[0].startsWith("|")) nodes.push(h("div.scroll", {}, h("table", {}, h("thead", {}, cells(lines[0], "th")), h("tbody", {}, ...lines.slice(2).map((line) => cells(line, "td"))))));
    else nodes.push(h("p", {}, lines.join(" ")));
  }
  return nodes;
}

begin();
