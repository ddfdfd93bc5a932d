/* The widget on other people's pages: inlined, below a path, between lines from right to left. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const WIDGET = new URL("../../services/clientmigration/status/static/widget.js", import.meta.url);

class Piece {
  attributes = new Map();
  classList = { add() {}, toggle() {} };
  style = {};
  append() {}
  replaceChildren() {}
  attachShadow() { return new Piece(); }
  setAttribute(name, value) { this.attributes.set(name, value); }
  getAttribute(name) { return this.attributes.get(name) ?? null; }
}

/** What the widget asks for, on a page at `href`, where its script was loaded `from` there. */
function asked(href, from, router) {
  const kinds = new Map();
  const sources = [];
  const made = [];
  const page = {
    URL,
    HTMLElement: Piece,
    CSSStyleSheet: class { replaceSync() {} },
    EventSource: class { constructor(url) { sources.push(String(url)); } addEventListener() {} close() {} },
    customElements: { get: (name) => kinds.get(name), define: (name, kind) => kinds.set(name, kind) },
    document: {
      currentScript: from,
      hidden: false,
      addEventListener() {},
      createElement: () => made[made.push(new Piece()) - 1],
    },
    location: new URL(href),
    setTimeout() {},
    clearTimeout() {},
  };
  vm.runInNewContext(readFileSync(WIDGET, "utf8"), page);
  const element = new (kinds.get("clientmigration-status"))();
  if (router) element.setAttribute("router", router);
  element.connectedCallback();
  return { url: sources[0], card: made[0], made };
}

const EVENTS = "api/v1/events";
const SHOP = "https://shop.example/a/page";

test("it asks where it was loaded from", () => {
  assert.equal(asked(SHOP, { src: "https://s.example/x/widget.js?v=1" }).url, `https://s.example/x/${EVENTS}`);
});

test("it works when an optimiser has put it into the page, into a blob, or into a module", () => {
  for (const from of [{ src: "" }, { src: "blob:https://shop.example/1-2" }, { src: "data:text/javascript,1" }, null]) {
    assert.equal(asked(SHOP, from, "https://s.example/").url, `https://s.example/${EVENTS}`);
  }
});

test("a daemon below a path is asked there, with a slash at the end or without", () => {
  for (const router of ["https://s.example/status", "https://s.example/status/", "https://s.example/status?a=b#c"]) {
    assert.equal(asked(SHOP, { src: "" }, router).url, `https://s.example/status/${EVENTS}`);
  }
  assert.equal(asked("https://s.example/status/embed.html", { src: "" }).url, `https://s.example/status/${EVENTS}`);
  assert.equal(asked("https://s.example/status", { src: "" }).url, `https://s.example/status/${EVENTS}`);
});

test("where it stands is the page's affair, and what it says is English, from left to right", () => {
  const { card, made } = asked(SHOP, { src: "" }, "https://s.example/");
  assert.deepEqual([card.dir, card.lang], [undefined, "en"]);
  assert.ok(made.filter((each) => each.dir === "ltr").length >= 3);
});
