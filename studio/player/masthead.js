// The page's name, and light or dark.
const dark = () => document.body.classList.contains("dark");
const button = h("button.quiet", { type: "button", onclick: () => turn(!dark()) }, "");
element.querySelector(".masthead").append(
  h("div", {}, h("h1", {}, "Steering ", h("em", {}, "Music")),
    h("p", {}, "Push a concept inside a frozen MusicGen, and hear at once what it does.")),
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
