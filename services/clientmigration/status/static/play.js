// Lets the visitor play whatever game runs here: the game's page module makes inputs of keys and
// fingers and draws the views; this shows what each move cost. `player` is put on the window, for
// the curious and their consoles. Nothing here knows a game.

import { Player } from "./clientmigration/index.js";

const by = (id) => document.getElementById(id);
const say = (id, text) => { const at = by(id); if (at && at.textContent !== text) at.textContent = text; };

/** `:4100` is a port of the host that served this page. */
export function doorOf(address, page = location) {
  if (!address.startsWith(":")) return address;
  return `${page.protocol === "https:" ? "wss" : "ws"}://${page.hostname}${address}`;
}

class Visit {
  constructor(address, game, picture, site) {
    this.site = site;
    this.player = globalThis.player = new Player(doorOf(address));
    const tell = (name, text) => say(`hud-${name}`, text);
    this.game = game.play({ player: this.player, picture, say: tell, toast });
    this.mover = new Mover(this.player, site);
    this.player.on("view", (view) => this.#seen(view));
    this.player.on("move", (move) => this.#moved(move));
    this.player.on("position", (place) => place && toast(`All servers are full. You are number ${place} in line.`));
    this.player.on("lost", ({ code, text }) => this.#lost(code, text));
    this.heardAt = performance.now();
    this.waiting = setInterval(() => this.#wait(), 1000);
    this.player.start();
  }

  /** Says why there is nothing to see, when there has been nothing for a while. */
  #wait() {
    if (performance.now() - this.heardAt < QUIET_MS) return;
    const { position, state } = this.player;
    if (!position) toast(waitWords(state));
  }

  #seen({ body }) {
    this.heardAt = performance.now();
    this.game.seen(body);
    this.mover.seen();
    const { moves, missed, rttMs } = this.player.counts;
    say("hud-server", this.player.member || "–");
    say("hud-ping", rttMs == null ? "–" : `${rttMs.toFixed(1)} ms`);
    say("hud-moves", `${moves}`);
    say("hud-missed", `${missed}`);
  }

  #moved(move) {
    this.mover.moved();
    toast(moveWords(move), this.site.colour(move.target));
  }

  #lost(code, text) {
    if (this.player.state === "ended") {
      toast(code === "replaced" ? "You play in another window now." : `The game ended: ${text || code}`);
      this.ended?.();
    } else {
      toast("That server is gone. You come back on another.");
    }
  }

  stop() {
    clearInterval(this.waiting);
    this.mover.stop();
    this.player.stop();
    this.game.stop?.();
  }
}

const QUIET_MS = 3000; // without a view: then the visitor is told why

/** Why nothing comes, in words. */
export function waitWords(state) {
  return state === "playing" ? "The server has said nothing for some seconds. Still waiting." : "No server has answered yet: they may be busy. Still trying.";
}

const FIRST_MS = 2500; // so long after the first view the visitor is moved, to see how that is
const AGAIN_MS = 3500; // between two wishes, at least: the router hears no more of one player
const WORDS = { refused: (text) => `Not now: ${text}`, away: () => "Not now: the router is away", settled: () => "" };

/** Asks that the player be moved: by itself once, soon after the beginning, and when the button is
 * pressed. Who asks shows the player's own token, and the router decides. */
class Mover {
  constructor(player, site) {
    Object.assign(this, { player, site });
    this.done = false; // moved, whoever wanted it
    this.button = by("moveme");
    this.pressed = () => this.#wish(true);
    this.button.addEventListener("click", this.pressed);
  }

  seen() {
    if (this.timer || this.done) return;
    this.timer = setTimeout(() => this.#unasked(2), FIRST_MS);
  }

  moved() {
    this.done = true;
  }

  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.rest);
    this.done = true;
    this.button.disabled = false;
    this.button.removeEventListener("click", this.pressed);
  }

  async #unasked(times) {
    if (this.done || this.site.servers() < 2) return;
    if (await this.#wish(false) !== "settled" && times > 1 && !this.done) {
      this.timer = setTimeout(() => this.#unasked(times - 1), AGAIN_MS);
    }
  }

  async #wish(told) {
    if (this.button.disabled) return "";
    this.button.disabled = true;
    this.rest = setTimeout(() => { this.button.disabled = false; }, AGAIN_MS);
    const { outcome, text } = await wished(this.player.token);
    const words = (WORDS[outcome] ?? (() => `Not now: ${text || outcome.replace("_", " ")}`))(text);
    if (told && words) toast(words);
    return outcome;
  }
}

async function wished(token) {
  try {
    const answer = await fetch("api/v1/move", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) });
    const said = answer.headers.get("Content-Type")?.startsWith("application/json");
    return said ? await answer.json() : { outcome: "refused", text: (await answer.text()).trim() };
  } catch {
    return { outcome: "away", text: "" };
  }
}

/** What a move was like, in words. */
export function moveWords({ source, target, missed, gapMs }) {
  return `Moved ${source} to ${target}, ${missed} tick${missed === 1 ? "" : "s"} missed, waited ${Math.round(gapMs)} ms more`;
}

let hush = 0;
function toast(text, colour = "") {
  say("toast", text);
  by("toast").style.borderColor = colour || "transparent";
  by("toast").classList.add("on");
  clearTimeout(hush);
  hush = setTimeout(() => by("toast").classList.remove("on"), 4500);
}

/** Fingers and the mouse on the field, but for its buttons, go to the game, with where they are in it: 0 to 1, from the
 * upper left. */
function point(field, visit) {
  let down = false;
  const tell = (kind, event) => {
    const box = field.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    visit().game.pointer?.(kind, event, at);
  };
  field.addEventListener("pointerdown", (event) => {
    if (!visit() || event.target.closest("button")) return;
    down = true;
    field.setPointerCapture(event.pointerId);
    tell("down", event);
  });
  field.addEventListener("pointermove", (event) => { if (down && visit()) tell("move", event); });
  for (const name of ["pointerup", "pointercancel"]) {
    field.addEventListener(name, (event) => { if (down && visit()) tell("up", event); down = false; });
  }
}

/** The game's own values in the HUD, after those that every game has. */
function furnish(hud) {
  for (const [name, label] of Object.entries(hud)) {
    const row = document.createElement("div");
    const [term, value] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, value.textContent, value.id] = [label, "–", `hud-${name}`];
    row.append(term, value);
    by("hud").querySelector("dl").append(row);
  }
}

/** What the Play button does each time that it is pressed: start and stop. */
export function offerPlay(address, game, picture, site) {
  const [button, canvas, field] = [by("play"), by("world"), by("field")];
  let visit = null;

  function show(playing) {
    button.textContent = playing ? "Stop" : "Play";
    button.classList.toggle("stop", playing);
    field.classList.toggle("playing", playing);
    by("hud").hidden = by("moveme").hidden = !playing;
    by("map").hidden = !playing || game.map === false;
    by("ground").hidden = playing && game.map === false; // no ground is seen then
    say("play-note", playing ? game.words.playing : game.words.how);
    canvas.tabIndex = playing ? 0 : -1;
    canvas.setAttribute("role", playing ? "application" : "img");
    if (playing) canvas.setAttribute("aria-label", game.words.label);
  }
  function stop() {
    visit?.stop();
    visit = null;
    show(false);
    button.focus({ preventScroll: true });
  }
  const key = (event, down) => {
    if (event.code === "Escape") { if (down) stop(); return; }
    if (!event.ctrlKey && !event.altKey && !event.metaKey) visit?.game.key?.(event, down);
  };
  canvas.addEventListener("keydown", (event) => key(event, true));
  canvas.addEventListener("keyup", (event) => key(event, false));
  canvas.addEventListener("blur", () => visit?.game.rest?.());
  addEventListener("pagehide", () => visit?.stop());
  point(field, () => visit);
  furnish(game.hud ?? {});
  return () => {
    if (visit) { stop(); return; }
    visit = new Visit(address, game, picture, site);
    visit.ended = stop;
    show(true);
    canvas.focus({ preventScroll: true });
  };
}
