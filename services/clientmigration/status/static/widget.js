// <clientmigration-status router="https://status.example/">: a fleet's status on any page.
//
// One plain script, no framework. It works under a strict Content-Security-Policy: the page has to
// allow this script (script-src) and the status daemon (connect-src), and nothing else. Styles are
// constructed, so no style-src is needed; no HTML is parsed from text. Colours are CSS variables:
// --cm-ground, --cm-ink, --cm-soft, --cm-line, --cm-good, --cm-warn, --cm-bad, --cm-font, --cm-radius;
// without them the page's `color-scheme` decides. Attributes: router, title, link, label, theme.
(() => {
  "use strict";
  if (customElements.get("clientmigration-status")) return;

  // Where this script is from. An optimiser may have put it into the page, or into a blob.
  const own = document.currentScript?.src ?? "";
  const from = /^https?:/u.test(own) ? new URL(".", own).href : location.href;
  // A daemon below a path: `https://example.org/status` is a folder, with or without its slash.
  const folder = (url) => {
    const base = new URL(url, location.href);
    base.search = base.hash = "";
    if (!/(\/|\.html?)$/u.test(base.pathname)) base.pathname += "/";
    return base.href;
  };
  const linked = (link) => {
    try {
      const url = new URL(link ?? "", location.href);
      return link && /^https?:$/u.test(url.protocol) ? url.href : "";
    } catch { return ""; }
  };
  const SILENT_MS = 4500;
  const SIGNS = { fit: "●", strained: "▲", overloaded: "■", silent: "✕" };
  const STATES = { up: "live", stale: "stale", down: "router down", lost: "no connection", wait: "connecting" };
  // Each colour as the page's own `color-scheme` has it, until a variable of the page says otherwise.
  const COLOURS = {
    ground: ["#fff", "#131b18"], ink: ["#1c2321", "#e9efea"], soft: ["#56605b", "#9fb0a7"], line: ["#ddd8cb", "#33413b"],
    good: ["#1d6b3a", "#63d391"], warn: ["#8a4b00", "#f0b355"], bad: ["#a3261c", "#ff8d7d"],
  };
  const PAINT = Object.entries(COLOURS).map(([name, each]) => `--${name}:var(--cm-${name},light-dark(${each}))`).join(";");
  const CSS = `
    :host{display:block;${PAINT};font:15px/1.45 var(--cm-font,system-ui,sans-serif)}
    :host([theme=dark]){color-scheme:dark}:host([theme=light]){color-scheme:light}
    :host([hidden]){display:none}
    .card{color:var(--ink);background:var(--ground);border:1px solid var(--line);border-radius:var(--cm-radius,12px);padding:12px clamp(9px,5%,16px);font-variant-numeric:tabular-nums;text-align:start}
    .title{margin:0 0 3px;font-weight:650;overflow-wrap:anywhere}.title:empty{display:none}
    a{color:inherit;text-underline-offset:3px}:focus-visible{outline:2px solid;outline-offset:2px;border-radius:3px}
    .top{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 12px;align-items:baseline}
    b{font-weight:650}.soft,small{color:var(--soft)}small{font-size:.85em;display:block}
    .up,.fit{color:var(--good)}.stale,.strained{color:var(--warn)}.down,.lost,.overloaded,.silent{color:var(--bad)}
    .rows{display:grid;grid-template-columns:auto minmax(2.6em,1fr) minmax(2em,2fr) auto;gap:4px 8px;margin:7px 0;min-height:3em}
    .heads,ul,li{display:grid;grid-column:1/-1;grid-template-columns:subgrid;align-items:center;white-space:nowrap}
    ul{list-style:none;margin:0;padding:0;gap:inherit}
    .heads{font-size:.8em;color:var(--soft)}.heads :nth-child(2){grid-column:3}.heads :nth-child(1){grid-column:1/3}
    .heads :last-child,li>:last-child{text-align:end}
    .name{overflow:hidden;text-overflow:ellipsis}
    .bar{height:7px;border-radius:9px;background:var(--line);overflow:hidden}
    .bar i{display:block;height:100%;background:currentColor;border-radius:9px}
    .old .rows{opacity:.55}
    .hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
    @media(forced-colors:active){.bar{border:1px solid}.bar i{forced-color-adjust:none}}`;

  // All elements of a page that show one fleet share one stream.
  const streams = new Map();
  class Stream {
    constructor(base) {
      this.base = base;
      this.listeners = new Set();
      this.latest = null;
      this.looks = () => (document.hidden ? this.close() : this.open());
      document.addEventListener("visibilitychange", this.looks);
      this.looks();
    }
    open() {
      this.close();
      this.source = new EventSource(new URL("api/v1/events", this.base));
      this.alive();
      this.source.addEventListener("status", (event) => {
        this.alive();
        try { this.tell(JSON.parse(event.data)); } catch { /* not ours */ }
      });
      this.source.addEventListener("error", () => {
        if (this.source?.readyState === EventSource.CLOSED) this.again = setTimeout(() => this.open(), 3000 + Math.random() * 2000);
      });
    }
    alive() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.tell({ ...this.latest, state: "lost" }), SILENT_MS);
    }
    close() {
      clearTimeout(this.timer);
      clearTimeout(this.again);
      this.source?.close();
      this.source = null;
    }
    tell(status) {
      this.latest = status;
      for (const listener of this.listeners) listener(status);
    }
    enter(listener) {
      this.listeners.add(listener);
      if (this.latest) listener(this.latest);
    }
    leave(listener) {
      this.listeners.delete(listener);
      if (this.listeners.size) return;
      this.close();
      document.removeEventListener("visibilitychange", this.looks);
      streams.delete(this.base);
    }
  }

  const make = (name, className = "", text = "") => Object.assign(document.createElement(name), { className, textContent: text });
  // What it says is English, from left to right; where it stands is the page's affair.
  const ltr = (name, className, text) => Object.assign(make(name, className, text), { dir: "ltr" });
  const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);

  class Status extends HTMLElement {
    static observedAttributes = ["router", "title", "link", "label"];
    #root = this.attachShadow({ mode: "open" });
    #listener = (status) => this.#show(status);
    #rows = new Map();
    #state = "wait";

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [sheet];
      this.card = make("div", "card");
      this.card.setAttribute("role", "group");
      this.card.lang = "en";
      this.titled = make("p", "title");
      this.titled.dir = "auto";
      this.top = make("div", "top");
      this.sum = ltr("b", "", "–");
      this.sign = ltr("span", "soft", STATES.wait);
      this.rows = make("div", "rows");
      const heads = make("div", "heads");
      heads.setAttribute("aria-hidden", "true");
      heads.append(...["Server", "Load", "Players"].map((head) => make("span", "", head)));
      this.list = make("ul");
      this.list.setAttribute("aria-label", "Game servers");
      this.rows.append(heads, this.list);
      this.foot = make("small");
      this.felt = ltr("span", "", "");
      this.foot.append(this.felt);
      this.news = make("p", "hidden");
      this.news.setAttribute("role", "status");
      this.news.setAttribute("aria-live", "polite");
      this.top.append(this.sum, this.sign);
      this.card.append(this.titled, this.top, this.rows, this.foot, this.news);
      this.#root.append(this.card);
    }

    connectedCallback() {
      this.#name();
      const base = folder(this.getAttribute("router") || from);
      if (!streams.has(base)) streams.set(base, new Stream(base));
      this.stream = streams.get(base);
      this.stream.enter(this.#listener);
    }

    /** The page's own words for it, and where they lead. */
    #name() {
      const title = this.getAttribute("title") ?? "";
      this.card.setAttribute("aria-label", this.getAttribute("label") || title || "Game servers' status");
      const href = linked(this.getAttribute("link"));
      this.titled.replaceChildren();
      if (!href) {
        this.titled.append(title);
        return;
      }
      const link = Object.assign(make("a", "", title || "Play"), { href, rel: "noopener" });
      if (self !== top) link.target = "_top"; // out of the frame
      this.titled.append(link);
    }
    disconnectedCallback() {
      this.stream?.leave(this.#listener);
      this.stream = null;
    }
    attributeChangedCallback(name) {
      if (!this.stream) return;
      if (name !== "router") { this.#name(); return; }
      this.disconnectedCallback();
      this.connectedCallback();
    }

    #show({ state, fleet, servers = [], moves = [] }) {
      if (state !== this.#state) {
        if (this.#state !== "wait" || state !== "up") say(this.news, `Status: ${STATES[state] ?? state}`);
        this.#state = state;
        this.setAttribute("state", state);
        this.card.classList.toggle("old", state !== "up");
      }
      this.sign.className = state;
      say(this.sign, `${state === "up" ? "●" : state === "stale" ? "▲" : "✕"} ${STATES[state] ?? state}`);
      if (!fleet) return;
      say(this.sum, `${many(fleet.players, "player")} on ${many(fleet.servers, "server")}`);
      const gaps = moves.map((move) => move.gap_ms).filter((gap) => gap != null).sort((a, b) => a - b);
      const felt = gaps.length ? `, extra wait ${gaps[gaps.length >> 1].toFixed(1)} ms` : "";
      say(this.felt, `${many(fleet.moves_settled, "live move")}${felt}`);
      this.#list(servers);
    }

    #list(servers) {
      if (servers.map((each) => each.name).join() !== [...this.#rows.keys()].join()) {
        this.#rows = new Map(servers.map((each) => [each.name, this.#row(each)]));
        this.list.replaceChildren(...[...this.#rows.values()].map((row) => row.whole));
      }
      for (const { name, grade, load, players, capacity, closed } of servers) {
        const row = this.#rows.get(name);
        const full = Math.min(100, Math.round(100 * load));
        row.sign.className = grade;
        row.bar.className = `bar ${grade}`;
        say(row.sign, closed === "unreachable" ? "✕" : SIGNS[grade] ?? "●");
        row.fill.style.width = `${full}%`;
        row.bar.setAttribute("aria-valuenow", full);
        row.bar.setAttribute("aria-valuetext", `${Math.round(100 * load)}%`);
        say(row.spoken, `, ${closed === "unreachable" ? closed : grade}`);
        say(row.count, `${players} / ${capacity}`);
      }
    }

    #row(server) {
      const row = { whole: make("li"), sign: make("span"), bar: make("span", "bar"), fill: make("i"), spoken: make("span", "hidden"), count: ltr("span", "", "") };
      row.sign.setAttribute("aria-hidden", "true");
      row.bar.setAttribute("role", "meter");
      row.bar.setAttribute("aria-label", `Load of ${server.name}`);
      row.bar.title = "Load: share of each tick spent working";
      row.bar.append(row.fill);
      const name = make("span", "name", server.name);
      name.append(row.spoken);
      row.whole.append(row.sign, name, row.bar, row.count);
      return row;
    }
  }
  customElements.define("clientmigration-status", Status);
})();
