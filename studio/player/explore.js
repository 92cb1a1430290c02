// For readers: a page for each concept, the datasets that probes are trained on, the banks, the reports.
const root = element.querySelector(".explore");
const word = h("p.state", { role: "status" });
const search = h("input.search", { type: "text", placeholder: "C major, jazz, tempo …", "aria-label": "Find a concept", oninput: list });
const found = h("div.found", { role: "group", "aria-label": "Concepts" });
const story = h("article.story", { tabindex: -1, hidden: true });
const sets = h("div.sets"), clips = h("div.clips"), banks = h("div.banks"), reports = h("div.reports");
const chosen = h("select", { "aria-label": "Bank", onchange: () => bank(chosen.value) });
const directions = h("details", { ontoggle: () => directions.open && !banks.children.length && bank(chosen.value) },
  h("summary", {}, "All directions of a bank, side by side"), h("label.field", {}, h("span", {}, "Bank"), chosen), banks);
root.append(h("div.head", {}, h("h2", {}, "Explore"), word),
  h("h3.eyebrow", {}, "Concepts"), search, found, story, directions,
  h("h3.eyebrow", {}, "Datasets"), sets, clips,
  h("h3.eyebrow", {}, "Evaluation"), reports);
let context = null, source = null;

const titled = ({ family, method }) => `${family} by ${method}`.replaceAll("_", " ");
const percent = (share) => `${Math.round(100 * share)} %`;

async function trying(work) {
  word.textContent = "Fetching …";
  try {
    await work();
    word.textContent = "";
  } catch (failure) {
    word.textContent = failure.message;
  }
}

// ---- concepts -------------------------------------------------------------------------------
function list() {
  const wanted = search.value.trim().toLowerCase();
  const rows = studio.catalogue.families.filter((one) => !one.each).map((one) => {
    const kind = wanted.length > 2 && one.word.toLowerCase().includes(wanted);
    const here = one.concepts.filter((name) => kind || ` ${name.toLowerCase()}`.includes(` ${wanted}`));
    return here.length ? h("div.kind", {}, h("span.small", {}, one.word), ...here.map((name) =>
      h("button.chip", { type: "button", onclick: () => tell(tested(one), name) }, name))) : null;
  }).filter(Boolean);
  found.replaceChildren(...(rows.length ? rows : [h("p.empty", {}, "No concept has this in its name.")]));
}

// The bank that a family's concepts are told of first: one that was tested, if any was.
const tested = (one) => Object.values(one.banks).find((name) => studio.catalogue.banks[name].measured) ?? one.intervention.bank;

const tell = (bank, concept) => trying(async () => {
  const about = await studio.call("concept", bank, concept);
  const kin = studio.catalogue.families.find((one) => one.name === about.family);
  const ways = h("select", { "aria-label": `Way of finding ${concept}`, onchange: () => tell(ways.value, concept) },
    ...Object.entries(kin?.banks ?? {}).map(([method, name]) => h("option", { value: name }, studio.catalogue.methods[method] ?? method)));
  ways.value = bank;
  story.hidden = false;
  story.replaceChildren(
    h("div.head", {}, h("div.row.wrap", {}, h("h3", {}, concept), h("span.small", {}, `${kin?.word ?? about.family}, by`), ways),
      h("div.row.wrap", {},
        h("button.quiet", { type: "button", onclick: () => push(kin, bank, concept) }, "▶ Hear it pushed"),
        about.dataset ? h("button.quiet", { type: "button", onclick: () => hear(about.dataset, concept, true) }, "Hear clips that have it") : null)),
    h("p", {}, about.how),
    h("div.charts", {}, doses(about.measured), layers(about)),
    h("h4", {}, "Looks like"), h("ul.alike", {}, ...about.alike.map((one) => h("li", {},
      h("button.quiet", { type: "button", onclick: () => tell(one.bank, one.concept) }, one.concept),
      h("span.small", {}, ` ${one.word}, cosine ${one.cosine.toFixed(2)}`)))));
  story.scrollIntoView({ block: "nearest" });
  story.focus({ preventScroll: true });
});

function push(kin, bank, concept) {
  const recipe = { ...studio.copy(studio.catalogue.recipe), interventions: [{ ...studio.copy(kin.intervention), bank, concept }] };
  [...document.querySelectorAll("#tabs [role=tab]")].find((tab) => tab.textContent.trim() === "Studio")?.click();
  studio.say("load", { recipe, play: true });
}

// What each strength did to test clips: a dot and its interval; hollow where the music did not survive it.
function doses(measured) {
  const box = h("figure", {}, h("figcaption.small", {}, measured ? measured.words : "Not tested on this model."));
  if (!measured) return box;
  const wide = 340, high = 170, left = 38, low = high - 30;
  const most = 1.1 * Math.max(...measured.doses.map((one) => one.strength));
  const x = (strength) => left + (strength / most) * (wide - left - 8), y = (share) => low - share * (low - 10);
  const line = (x1, y1, x2, y2, more = {}) => h("line", { x1, y1, x2, y2, ...more });
  box.prepend(h("svg.doses", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": measured.words },
    ...[0, 0.5, 1].flatMap((share) => [line(left, y(share), wide - 8, y(share), { class: "grid" }),
      h("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share))]),
    line(left, y(measured.unsteered), wide - 8, y(measured.unsteered), { class: "unsteered" }),
    ...measured.doses.flatMap((one) => [line(x(one.strength), y(one.low), x(one.strength), y(one.high), { class: "interval" }),
      h("circle", { cx: x(one.strength), cy: y(one.hit), r: 5, class: one.alive ? "alive" : "hollow" }),
      h("text", { x: x(one.strength), y: high - 12, "text-anchor": "middle" }, `×${(one.strength / measured.strength).toFixed(1)}`)])));
  box.append(h("p.small", {}, "Filled: the music stayed alive. Dashed: unsteered clips. Bars: 95 % intervals."));
  return box;
}

function layers({ scores, layer }) {
  const least = Math.min(0.5, ...scores);
  return h("figure", {}, h("div.bars", { role: "img", "aria-label": `Validation score by layer: ${scores.map((one) => one.toFixed(2)).join(", ")}` },
    ...scores.map((score, n) => h("span", { class: n === layer ? "best" : "", style: `height: ${4 + 96 * (score - least) / Math.max(1e-6, 1 - least)}%`, title: `layer ${n}: ${score.toFixed(3)}` }, h("i", {}, `${n}`)))),
    h("figcaption.small", {}, `Validation score of the probe by layer: ${Math.max(...scores).toFixed(2)} at layer ${layer}.`));
}

// ---- datasets -------------------------------------------------------------------------------
const hear = (name, label = "", move = false) => trying(async () => {
  let made;
  try {
    made = await studio.call("dataset_clips", name, Math.floor(Math.random() * 1e6), label);
  } catch (failure) {
    if (!label) throw failure;
    made = await studio.call("dataset_clips", name, Math.floor(Math.random() * 1e6), "");
  }
  clips.replaceChildren(...made.map((clip) => h("article.clip", {},
    h("button.quiet", { type: "button", "aria-label": `Play: ${clip.caption}`, onclick: () => play(clip) }, "▶"),
    h("p", {}, clip.caption),
    h("dl", {}, ...Object.entries(clip.labels).flatMap(([key, value]) => [h("dt", {}, key.replaceAll("_", " ")), h("dd", {}, String(value))])))));
  if (move) {
    clips.scrollIntoView({ block: "center" });
    play(made[0]);
  }
});

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

// ---- banks ----------------------------------------------------------------------------------
const bank = (name) => trying(async () => {
  const { family, method } = studio.catalogue.banks[name];
  const { concepts, scores, likeness, layer } = await studio.call("bank", family, method);
  banks.replaceChildren(
    heat(concepts, scores[0].map((_, n) => `${n}`), scores, "Validation score of each concept at each layer", (v) => v.toFixed(2), Math.min(0.5, ...scores.flat()), 1),
    heat(concepts, concepts, likeness, `How alike the directions are, at layer ${layer}`, (v) => v.toFixed(2), -1, 1));
});

function heat(rows, columns, values, title, text, low, high) {
  const tint = (v) => `color-mix(in oklab, var(${v >= 0 || low >= 0 ? "--steered" : "--twin"}) ${Math.round(100 * Math.min(1, Math.abs(low < 0 ? v : (v - low) / (high - low))))}%, var(--paper))`;
  return h("div.scroll", { tabindex: 0, role: "region", "aria-label": title }, h("table.heat", {}, h("caption", {}, title),
    h("thead", {}, h("tr", {}, h("td"), ...columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...rows.map((name, r) => h("tr", {}, h("th", { scope: "row" }, name),
      ...values[r].map((v) => h("td", { style: `background: ${tint(v)}`, title: text(v) }, h("span.hidden", {}, text(v)))))))));
}

// ---- reports --------------------------------------------------------------------------------
// A picture is fetched when it is seen.
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    studio.call("report_picture", target.dataset.report, target.dataset.name)
      .then((image) => (target.src = `data:image/png;base64,${image}`))
      .catch((failure) => target.replaceWith(h("p.error", {}, failure.message)));
  }
}, { rootMargin: "200px" });

function report(one) {
  const pictures = one.pictures.map((name) => h("img", { alt: `${one.name}: ${name}`.replaceAll(/[-_]/g, " "), "data-report": one.name, "data-name": name }));
  const body = h("div", {});
  const box = h("details.report", { ontoggle: () => {
    if (!box.open || body.children.length) return;
    body.append(h("div.pictures", {}, ...pictures), ...written(one.text, box.textContent));
    for (const each of pictures) seen.observe(each);
  } }, h("summary", {}, one.name.replaceAll(/[-_]/g, " ")), body);
  return box;
}

// The Markdown that reports are written in: headings, lists, tables and paragraphs.
function written(text, name) {
  const nodes = [];
  let tables = 0;
  const cells = (line, tag) => h("tr", {}, ...line.split("|").slice(1, -1).map((cell) => h(tag, {}, cell.trim())));
  for (const block of text.split(/\n{2,}/)) {
    const lines = block.split("\n").filter((line) => line && !line.startsWith("!["));
    if (!lines.length || lines[0].startsWith("# ")) continue;
    if (lines[0].startsWith("## ")) nodes.push(h("h4", {}, lines[0].slice(3)));
    else if (lines[0].startsWith("- ")) nodes.push(h("ul", {}, ...lines.map((line) => h("li", {}, line.slice(2)))));
    else if (lines[0].startsWith("|")) nodes.push(h("div.scroll", { tabindex: 0, role: "region", "aria-label": `${name}, table ${++tables}` }, h("table", {}, h("thead", {}, cells(lines[0], "th")), h("tbody", {}, ...lines.slice(2).map((line) => cells(line, "td"))))));
    else nodes.push(h("p", {}, lines.join(" ")));
  }
  return nodes;
}

// ---- to begin with, when it is first looked at ------------------------------------------------
new IntersectionObserver((entries, watch) => {
  if (!entries.some((one) => one.isIntersecting)) return;
  watch.disconnect();
  begin();
}).observe(root);

const begin = () => trying(async () => {
  list();
  const names = studio.catalogue.families.filter((one) => !one.each).flatMap((one) => Object.values(one.banks));
  chosen.replaceChildren(...names.map((name) => h("option", { value: name }, titled(studio.catalogue.banks[name]))));
  directions.hidden = !names.length;
  if (!names.length) found.replaceChildren(h("p.empty", {}, "No bank fits this model: train one with 'python -m steering train'."));
  const there = await studio.call("datasets");
  sets.replaceChildren(...there.map((one) => h("button.set", { type: "button", onclick: () => hear(one.name) },
    h("strong", {}, one.title), h("span", {}, `${one.clips.toLocaleString()} clips`), h("span.small", {}, one.summary))));
  const all = await studio.call("evaluation_reports");
  reports.replaceChildren(...(all.length ? all.toSorted((a, b) => a.name.startsWith("first") - b.name.startsWith("first")).map(report) : [h("p.empty", {}, "There is no evaluation report here yet: 'python -m steering evaluate notes' writes one.")]));
});
