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
  constructor(address, game, picture) {
    this.player = globalThis.player = new Player(doorOf(address));
    const tell = (name, text) => say(`hud-${name}`, text);
    this.game = game.play({ player: this.player, picture, say: tell, toast });
    this.player.on("view", (view) => this.#seen(view));
    this.player.on("move", (move) => this.#moved(move));
    this.player.on("position", (place) => place && toast(`All servers are full. You are number ${place} in line.`));
    this.player.on("lost", ({ code, text }) => this.#lost(code, text));
    this.player.start();
  }

  #seen({ body }) {
    this.game.seen(body);
    const { moves, missed, rttMs } = this.player.counts;
    say("hud-server", this.player.member || "–");
    say("hud-ping", rttMs == null ? "–" : `${rttMs.toFixed(1)} ms`);
    say("hud-moves", `${moves}`);
    say("hud-missed", `${missed}`);
  }

  #moved({ source, target, missed, gapMs }) {
    const ticks = missed === 1 ? "1 tick missed" : `${missed || "no"} ticks missed`;
    toast(`Moved from ${source} to ${target}: ${ticks}, ${gapMs.toFixed(1)} ms longer than usual`);
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
    this.player.stop();
    this.game.stop?.();
  }
}

let hush = 0;
function toast(text) {
  say("toast", text);
  by("toast").classList.add("on");
  clearTimeout(hush);
  hush = setTimeout(() => by("toast").classList.remove("on"), 4500);
}

/** Fingers and the mouse on the field go to the game, with where they are in it: 0 to 1, from the
 * upper left. */
function point(field, visit) {
  let down = false;
  const tell = (kind, event) => {
    const box = field.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    visit().game.pointer?.(kind, event, at);
  };
  field.addEventListener("pointerdown", (event) => {
    if (!visit()) return;
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

/** Makes the Play button work. */
export function offerPlay(address, game, picture) {
  const [button, canvas, field] = [by("play"), by("world"), by("field")];
  let visit = null;

  function show(playing) {
    button.textContent = playing ? "Stop" : "Play";
    button.classList.toggle("stop", playing);
    field.classList.toggle("playing", playing);
    by("hud").hidden = !playing;
    by("map").hidden = !playing || game.map === false;
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
  button.addEventListener("click", () => {
    if (visit) { stop(); return; }
    visit = new Visit(address, game, picture);
    visit.ended = stop;
    show(true);
    canvas.focus({ preventScroll: true });
  });
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
  button.disabled = false;
}
