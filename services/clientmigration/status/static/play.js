// Lets the visitor play: keys or a finger walk, the world is drawn from the player's own views, and
// what each move cost is shown. `player` is put on the window, for the curious and their consoles.

import { Player } from "./clientmigration/index.js";
import * as meadow from "./clientmigration/meadow.js";

const SPEED = 12; // metres per second
const TURN_MS = 80; // between two inputs of a finger, at least
const KEYS = {
  ArrowUp: [0, 1], KeyW: [0, 1], ArrowDown: [0, -1], KeyS: [0, -1],
  ArrowLeft: [-1, 0], KeyA: [-1, 0], ArrowRight: [1, 0], KeyD: [1, 0],
};
const REACH = 44; // pixels that a finger has to go for full speed

const by = (id) => document.getElementById(id);
const say = (id, text) => { if (by(id).textContent !== text) by(id).textContent = text; };

/** `:4100` is a port of the host that served this page. */
export function doorOf(address, page = location) {
  if (!address.startsWith(":")) return address;
  return `${page.protocol === "https:" ? "wss" : "ws"}://${page.hostname}${address}`;
}

/** A unit vector, or a shorter one, of what keys say. */
export function heading(held) {
  const sum = [...held].reduce(([x, y], code) => [x + KEYS[code][0], y + KEYS[code][1]], [0, 0]);
  const long = Math.hypot(...sum);
  return long ? sum.map((part) => part / long) : [0, 0];
}

class Game {
  constructor(address, world) {
    this.world = world;
    this.held = new Set();
    this.going = "0,0";
    this.turnedAt = 0;
    this.player = globalThis.player = new Player(doorOf(address));
    this.player.on("view", (view) => this.#seen(view));
    this.player.on("move", (move) => this.#moved(move));
    this.player.on("position", (place) => place && toast(`All servers are full. You are number ${place} in line.`));
    this.player.on("lost", ({ code, text }) => this.#lost(code, text));
    this.player.start();
  }

  #seen({ body }) {
    const { x, y, coins, others } = meadow.look(body);
    const own = others.find((other) => other.player === this.player.name);
    this.world.follow({
      x, y, server: own?.owner ?? 0,
      others: others.filter((other) => other !== own).map((other) => ({ x: other.x, y: other.y, server: other.owner })),
    });
    const { moves, missed, rttMs } = this.player.counts;
    say("hud-server", this.player.member || "–");
    say("hud-ping", rttMs == null ? "–" : `${rttMs.toFixed(1)} ms`);
    say("hud-moves", `${moves}`);
    say("hud-missed", `${missed}`);
    say("hud-coins", `${coins}`);
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

  /** Walk this way: each part from -1 to 1. */
  walk([x, y], atOnce = true) {
    const now = performance.now();
    const going = `${x.toFixed(2)},${y.toFixed(2)}`;
    if (going === this.going || (!atOnce && now - this.turnedAt < TURN_MS)) return;
    this.going = going;
    this.turnedAt = now;
    this.player.act(meadow.move(x * SPEED, y * SPEED));
  }

  key(event, down) {
    if (event.ctrlKey || event.altKey || event.metaKey || !(event.code in KEYS)) return;
    event.preventDefault();
    this.held[down ? "add" : "delete"](event.code);
    this.walk(heading(this.held));
  }

  rest() {
    this.held.clear();
    this.walk([0, 0]);
  }

  pick() {
    this.player.act(meadow.pick());
  }

  stop() {
    this.player.stop();
    this.world.follow(null);
  }
}

let hush = 0;
function toast(text) {
  say("toast", text);
  by("toast").classList.add("on");
  clearTimeout(hush);
  hush = setTimeout(() => by("toast").classList.remove("on"), 4500);
}

/** A finger or mouse button pulls the player from where it came down. */
function steer(field, game) {
  let from = null;
  field.addEventListener("pointerdown", (event) => {
    if (!game()) return;
    from = [event.clientX, event.clientY];
    field.setPointerCapture(event.pointerId);
  });
  field.addEventListener("pointermove", (event) => {
    if (!from || !game()) return;
    const pull = [(event.clientX - from[0]) / REACH, (from[1] - event.clientY) / REACH];
    const long = Math.max(1, Math.hypot(...pull));
    game().walk(pull.map((part) => part / long), false);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    field.addEventListener(name, () => { if (from) game()?.walk([0, 0]); from = null; });
  }
}

/** Makes the Play button work. */
export function offerPlay(address, world) {
  const [button, canvas, field] = [by("play"), by("world"), by("field")];
  let game = null;

  function show(playing) {
    button.textContent = playing ? "Stop" : "Play";
    button.classList.toggle("stop", playing);
    field.classList.toggle("playing", playing);
    by("hud").hidden = by("map").hidden = !playing;
    say("play-note", playing ? "Space picks up a coin, Escape stops" : "Arrow keys, WASD or touch");
    canvas.tabIndex = playing ? 0 : -1;
    canvas.setAttribute("role", playing ? "application" : "img");
    if (playing) canvas.setAttribute("aria-label", "You play. Arrow keys walk, space picks up a coin, Escape stops.");
  }
  function stop() {
    game?.stop();
    game = null;
    show(false);
    button.focus({ preventScroll: true });
  }
  button.addEventListener("click", () => {
    if (game) { stop(); return; }
    game = new Game(address, world);
    game.ended = stop;
    show(true);
    canvas.focus({ preventScroll: true });
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.code === "Escape") stop();
    else if (event.code === "Space") { event.preventDefault(); if (!event.repeat) game?.pick(); }
    else game?.key(event, true);
  });
  canvas.addEventListener("keyup", (event) => game?.key(event, false));
  canvas.addEventListener("blur", () => game?.rest());
  addEventListener("pagehide", () => game?.stop());
  steer(field, () => game);
  button.disabled = false;
}
