// What independent ears say, as a table.
const root = element.querySelector(".verdict");
const word = h("p.small", {}, "Judges that know nothing of the model or its probes listen to both clips.");
const table = h("div.scroll");
root.append(h("div.head", {}, h("h2", {}, "Verdict"), word), table);

const shown = (value, unit) => (value === null || value === undefined ? "–" : `${value}${unit ? ` ${unit}` : ""}`);

studio.on("pair", async ({ clip }) => {
  word.textContent = "Listening …";
  table.replaceChildren();
  try {
    const rows = await studio.call("verdict", clip);
    if (studio.pair?.clip !== clip) return;
    table.replaceChildren(h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Heard"), h("th", { scope: "col" }, "Steered"), h("th", { scope: "col" }, "Unsteered"))),
      h("tbody", {}, ...rows.map((row) => h(row.target ? "tr.target" : "tr", {}, h("th", { scope: "row", title: row.about ?? "" }, row.what),
        h("td", {}, shown(row.steered, row.unit)), h("td", {}, shown(row.unsteered, row.unit)))))));
    word.textContent = "Heard in the sound alone, by judges that know nothing of the model or its probes.";
  } catch (failure) {
    word.textContent = failure.message;
  }
});
