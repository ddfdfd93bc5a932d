// <clientmigration-status router="https://status.example/">: a fleet's status on any page.
//
// One plain script, no framework. It works under a strict Content-Security-Policy: the page has to
// allow this script (script-src) and the status daemon (connect-src), and nothing else. Styles are
// constructed, so no style-src is needed; no HTML is parsed from text. Colours are CSS variables:
// --cm-ground, --cm-ink, --cm-soft, --cm-line, --cm-good, --cm-warn, --cm-bad, --cm-font, --cm-radius.
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
  const SILENT_MS = 4500;
  const SIGNS = { fit: "●", strained: "▲", overloaded: "■", silent: "✕" };
  const STATES = { up: "live", stale: "stale", down: "router down", lost: "no connection", wait: "connecting" };
  const LIGHT = "--ground:var(--cm-ground,#fff);--ink:var(--cm-ink,#1c2321);--soft:var(--cm-soft,#56605b);--line:var(--cm-line,#ddd8cb);--good:var(--cm-good,#1d6b3a);--warn:var(--cm-warn,#8a4b00);--bad:var(--cm-bad,#a3261c)";
  const DARK = "--ground:var(--cm-ground,#131b18);--ink:var(--cm-ink,#e9efea);--soft:var(--cm-soft,#9fb0a7);--line:var(--cm-line,#33413b);--good:var(--cm-good,#63d391);--warn:var(--cm-warn,#f0b355);--bad:var(--cm-bad,#ff8d7d)";
  const CSS = `
    :host{display:block;${LIGHT};font:15px/1.45 var(--cm-font,system-ui,sans-serif);color:var(--ink)}
    :host([theme=dark]){${DARK}}
    @media(prefers-color-scheme:dark){:host(:not([theme=light])){${DARK}}}
    :host([hidden]){display:none}
    .card{background:var(--ground);border:1px solid var(--line);border-radius:var(--cm-radius,12px);padding:12px 16px;font-variant-numeric:tabular-nums}
    .top{display:flex;justify-content:space-between;gap:12px;align-items:baseline}
    b{font-weight:650}.soft,small{color:var(--soft)}small{font-size:.85em}
    .up,.fit{color:var(--good)}.stale,.strained{color:var(--warn)}.down,.lost,.overloaded,.silent{color:var(--bad)}
    ul{list-style:none;margin:9px 0 0;padding:0;display:grid;gap:5px;min-height:1.5em}
    li{display:grid;grid-template-columns:1.2em minmax(3em,1fr) minmax(3em,2fr) 7.5em;gap:8px;align-items:center;white-space:nowrap}
    li>:last-child{text-align:right}
    .bar{height:7px;border-radius:9px;background:var(--line);overflow:hidden}
    .bar i{display:block;height:100%;background:currentColor;border-radius:9px}
    .old ul{opacity:.55}
    .hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
    @media(forced-colors:active){.bar{border:1px solid}}`;

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
  const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);

  class Status extends HTMLElement {
    static observedAttributes = ["router"];
    #root = this.attachShadow({ mode: "open" });
    #listener = (status) => this.#show(status);
    #rows = new Map();
    #state = "wait";

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [sheet];
      this.card = make("div", "card");
      this.card.setAttribute("role", "group");
      this.card.lang = "en"; // it speaks English, from left to right, whatever the page around it
      this.card.dir = "ltr";
      this.top = make("div", "top");
      this.sum = make("b", "", "–");
      this.sign = make("span", "soft", STATES.wait);
      this.list = make("ul");
      this.list.setAttribute("aria-label", "Game servers");
      this.foot = make("small");
      this.news = make("p", "hidden");
      this.news.setAttribute("role", "status");
      this.news.setAttribute("aria-live", "polite");
      this.top.append(this.sum, this.sign);
      this.card.append(this.top, this.list, this.foot, this.news);
      this.#root.append(this.card);
    }

    connectedCallback() {
      this.card.setAttribute("aria-label", this.getAttribute("label") ?? "Game servers' status");
      const base = folder(this.getAttribute("router") || from);
      if (!streams.has(base)) streams.set(base, new Stream(base));
      this.stream = streams.get(base);
      this.stream.enter(this.#listener);
    }
    disconnectedCallback() {
      this.stream?.leave(this.#listener);
      this.stream = null;
    }
    attributeChangedCallback() {
      if (!this.stream) return;
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
      say(this.foot, `${many(fleet.moves_settled, "live move")}${felt}`);
      this.#list(servers);
    }

    #list(servers) {
      if (servers.map((each) => each.name).join() !== [...this.#rows.keys()].join()) {
        this.#rows = new Map(servers.map((each) => [each.name, this.#row(each)]));
        this.list.replaceChildren(...[...this.#rows.values()].map((row) => row.whole));
      }
      for (const { name, grade, load, players, capacity, closed } of servers) {
        const row = this.#rows.get(name);
        row.sign.className = row.bar.className = grade;
        row.bar.classList.add("bar");
        say(row.sign, closed === "unreachable" ? "✕" : SIGNS[grade] ?? "●");
        row.fill.style.width = `${Math.min(100, Math.round(100 * load))}%`;
        say(row.spoken, `${closed === "unreachable" ? closed : grade}, load ${Math.round(100 * load)}%`);
        say(row.count, `${players} / ${capacity}`);
      }
    }

    #row(server) {
      const row = { whole: make("li"), sign: make("span"), bar: make("span", "bar"), fill: make("i"), spoken: make("span", "hidden"), count: make("span") };
      row.sign.setAttribute("aria-hidden", "true");
      row.bar.append(row.fill);
      const name = make("span", "", server.name);
      name.append(row.spoken);
      row.whole.append(row.sign, name, row.bar, row.count);
      return row;
    }
  }
  customElements.define("clientmigration-status", Status);
})();
