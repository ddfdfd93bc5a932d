// For pages that show the status in an iframe: each such iframe becomes as high as what is in it.
// It believes a frame only about itself, and only heights that a status can have.
(() => {
  "use strict";
  const [LOWEST, HIGHEST] = [40, 4000];
  addEventListener("message", ({ data, source }) => {
    if (data?.clientmigration !== "height" || !Number.isFinite(data.height)) return;
    for (const frame of document.querySelectorAll("iframe")) {
      if (frame.contentWindow !== source) continue;
      const border = frame.offsetHeight - frame.clientHeight;
      frame.style.height = `${Math.min(HIGHEST, Math.max(LOWEST, data.height)) + border}px`;
    }
  });
})();
