// What independent ears say: one sentence, and a table.
const root = element.querySelector(".verdict");
const ABOUT = "Heard in the sound alone, by judges that know nothing of the model or its probes.";
const word = h("p.small", {}, ABOUT);
const headline = h("p.headline", { role: "status" });
const table = h("div.scroll", { tabindex: 0, role: "region", "aria-label": "What was heard, as a table" });
const more = h("details", {}, h("summary", {}, "All that was heard"), table);
root.hidden = true;
root.append(h("div.head", {}, h("h2", {}, "Verdict")), headline, more, word);

const UNITS = { chance: "%" };

function shown(row, side) {
  const value = row[side];
  if (value === null || value === undefined) return "–";
  if (row.unit === "s") return `${value} of ${row.of} s`;
  return `${value}${row.unit ? ` ${UNITS[row.unit] ?? row.unit}` : ""}`;
}

function said(row) {
  const seconds = row.target && row.unit !== "chance" ? ` (${row.of} s ${row.away ? "pushed away" : "pushed"})` : "";
  return h(row.target ? "tr.target" : "tr", {}, h("th", { scope: "row", title: row.about ?? "" }, row.what + seconds),
    h("td", {}, shown(row, "steered")), h("td", {}, shown(row, "unsteered")));
}

studio.on("pair", async ({ clip, recipe }) => {
  root.hidden = false;
  word.textContent = "Listening …";
  headline.textContent = "";
  table.replaceChildren();
  try {
    const heard = await studio.call("verdict", clip);
    if (studio.pair?.clip !== clip) return;
    headline.textContent = heard.headline || (recipe.interventions.length ? "No judge knows this concept: what came of it, your ears must say." : "Nothing was pushed: the two clips are the same music.");
    table.replaceChildren(h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Heard"), h("th", { scope: "col" }, "Steered"), h("th", { scope: "col" }, "Unsteered"))),
      h("tbody", {}, ...heard.rows.map(said))));
    word.textContent = ABOUT;
  } catch (failure) {
    word.textContent = failure.message;
  }
});
