// Dark or light: as the system says, until somebody presses the button.

const wanted = matchMedia("(prefers-color-scheme: dark)");
const kept = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
  set: (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private window */ } } };

/** Applies the theme now and on each change; `changed` is called after each. */
export function themes(button, changed) {
  const apply = () => {
    const theme = kept.get() ?? (wanted.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    for (const widget of document.querySelectorAll("clientmigration-status")) widget.setAttribute("theme", theme);
    button.setAttribute("aria-label", `Change colours to ${theme === "dark" ? "light" : "dark"}`);
    changed();
  };
  button.addEventListener("click", () => {
    kept.set(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    apply();
  });
  wanted.addEventListener("change", apply);
  apply();
}
