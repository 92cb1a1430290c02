// Take it home: sound, recipe, link; or bring a recipe.
const root = element.querySelector(".keep");
const word = h("p.state", { role: "status" });
const link = h("input.link", { type: "text", readonly: true, "aria-label": "Link that plays this very clip", onfocus: () => link.select() });
const buttons = [];
const sounds = ["steered", "unsteered"].flatMap((side) => ["wav", "flac"].map((form) =>
  button(`${side} .${form}`, () => fetchSound(side, form))));
const file = h("input", { type: "file", accept: ".json,application/json", "aria-label": "Load a recipe file", onchange: () => file.files[0] && open(file.files[0]) });
const drop = h("label.drop", {}, "Drop a recipe.json here, or ", h("u", {}, "choose one"), file);
root.append(h("div.head", {}, h("h2", {}, "Keep"), word),
  h("div.row.wrap", {}, ...sounds, button("recipe.json", () => save("recipe.json", "application/json", JSON.stringify(studio.pair.recipe, null, 1)))),
  h("div.row", {}, link, button("Copy link", copy)), drop);

function button(text, run) {
  const made = h("button.quiet", { type: "button", disabled: true, onclick: run }, text);
  buttons.push(made);
  return made;
}

function save(name, kind, content) {
  const url = URL.createObjectURL(new Blob([content], { type: kind }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

async function fetchSound(side, form) {
  word.textContent = "Fetching …";
  try {
    const got = await studio.call("download", studio.pair.clip, side, form);
    save(got.name, got.mime, Uint8Array.from(atob(got.base64), (letter) => letter.charCodeAt(0)));
    word.textContent = "";
  } catch (failure) {
    word.textContent = failure.message;
  }
}

async function copy() {
  link.select();
  try {
    await navigator.clipboard.writeText(link.value);
    word.textContent = "Copied.";
  } catch {
    word.textContent = "Press Ctrl+C to copy.";
  }
}

async function open(chosen) {
  try {
    if (chosen.size > 200000) throw new Error("This file is too large for a recipe.");
    const given = await studio.call("check_recipe", JSON.parse(await chosen.text()));
    studio.say("load", { recipe: given });
    word.textContent = `${chosen.name} is loaded: press Generate.`;
  } catch (failure) {
    word.textContent = failure instanceof SyntaxError ? "This file is no recipe: it is not JSON." : failure.message;
  }
}

for (const kind of ["dragover", "dragleave", "drop"])
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
  });

studio.on("pair", (pair) => {
  link.value = `${studio.link}#r=${pair.permalink}`;
  for (const one of buttons) one.disabled = false;
  word.textContent = pair.event === "stopped" ? "This one was stopped: its link plays the whole length." : "";
});
