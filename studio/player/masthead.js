// Light or dark: as the visitor chose, else as their machine is. Gradio sets its own choice once it is there.
{
  const button = document.querySelector(".masthead button"), machine = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("studio-dark");
  } catch {
    chosen = null;
  }
  const wanted = () => (chosen === null ? machine.matches : chosen === "true");

  const show = () => {
    const dark = wanted();
    if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", `${button.textContent} colours`);
  };

  button.addEventListener("click", () => {
    chosen = String(!wanted());
    show();
    try {
      localStorage.setItem("studio-dark", chosen);
    } catch {
      // It is not remembered, then.
    }
  });
  new MutationObserver(show).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  machine.addEventListener("change", show);
  show();
}
