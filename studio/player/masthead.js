// The page's name, what it is in a sentence, and light or dark.
const dark = () => document.body.classList.contains("dark");
const button = h("button.quiet", { type: "button", onclick: () => turn(!dark()) }, "");
element.querySelector(".masthead").append(
  h("div", {}, h("h1", {}, "Steering ", h("em", {}, "Music")),
    h("p", {}, "Two clips of one prompt and one noise: only a direction inside the model differs. Switch between them while they play.")),
  button);

function turn(to) {
  document.body.classList.toggle("dark", to);
  button.textContent = to ? "Light" : "Dark";
  button.setAttribute("aria-label", to ? "Light colours" : "Dark colours");
  try {
    localStorage.setItem("studio-dark", to);
  } catch {
    return;
  }
}

let kept = null;
try {
  kept = localStorage.getItem("studio-dark");
} catch {
  kept = null;
}
turn(kept === null ? dark() || matchMedia("(prefers-color-scheme: dark)").matches : kept === "true");
