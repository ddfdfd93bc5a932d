// The frame: takes the widget's attributes from its address (?title=…&link=…&label=…&theme=…&dir=rtl), and
// tells the page around it how high it is. frame.js, on that page, makes the iframe so high.
(() => {
  "use strict";
  const asked = new URLSearchParams(location.search);
  const widget = document.querySelector("clientmigration-status");
  for (const name of ["title", "link", "label", "theme"]) {
    if (asked.has(name)) widget.setAttribute(name, asked.get(name));
  }
  const theme = asked.get("theme");
  if (theme === "dark" || theme === "light") document.documentElement.style.colorScheme = theme;
  if (asked.get("dir") === "rtl") document.documentElement.dir = "rtl";
  if (parent === self) return;
  const tell = () => parent.postMessage({ clientmigration: "height", height: Math.ceil(document.body.getBoundingClientRect().height) }, "*");
  new ResizeObserver(tell).observe(document.body);
})();
