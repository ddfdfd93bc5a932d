// Dark or light: as the system says, until somebody presses the button. The first frame has the colours
// that were chosen by a line in the page's head.

const root = document.documentElement;
const wanted = matchMedia("(prefers-color-scheme: dark)");
const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private window */ } };
const chosen = () => kept() ?? (wanted.matches ? "dark" : "light");

/** Has the button change the theme; `changed` is called now and after each change. */
export function themes(button, changed) {
  const apply = () => {
    const theme = root.dataset.theme = chosen();
    button.setAttribute("aria-label", `Change colours to ${theme === "dark" ? "light" : "dark"}`);
    changed();
  };
  button.addEventListener("click", () => {
    keep(root.dataset.theme === "dark" ? "light" : "dark");
    apply();
  });
  wanted.addEventListener("change", apply);
  apply();
}
