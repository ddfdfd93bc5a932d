// The meadow on the homepage: what its words are, how it is drawn, and what keys and fingers do.
// A page module of a game, as docs/your-game.md says; the site knows nothing of the meadow.

import * as meadow from "../../clientmigration/meadow.js";
import { KEYS, heading } from "./walk.js";

const SPEED = 12; // metres per second
const TURN_MS = 80; // between two inputs of a finger, at least
const REACH = 44; // pixels that a finger has to go for full speed

export const words = {
  above: "The meadow, seen from above",
  how: "Arrow keys, WASD or touch",
  playing: "Space picks up a coin, Escape stops",
  label: "You play. Arrow keys walk, space picks up a coin, Escape stops.",
};

export const hud = { coins: "Coins" };

/** The picture: everybody from above, and while one plays what is near. */
export function picture(canvas, map, site) {
  return new site.World(canvas, map);
}

/** One visitor who plays. */
export function play({ player, picture, say }) {
  return new Walk(player, picture, say);
}

class Walk {
  constructor(player, picture, say) {
    Object.assign(this, { player, picture, say });
    this.held = new Set();
    this.going = "0,0";
    this.turnedAt = 0;
    this.from = null; // where the finger came down
  }

  seen(body) {
    const { x, y, coins, others } = meadow.look(body);
    const own = others.find((other) => other.player === this.player.name);
    this.picture.follow({
      x, y, server: own?.owner ?? 0,
      others: others.filter((other) => other !== own).map((other) => ({ x: other.x, y: other.y, server: other.owner })),
    });
    this.say("coins", `${coins}`);
  }

  key(event, down) {
    if (event.code === "Space") {
      event.preventDefault();
      if (down && !event.repeat) this.player.act(meadow.pick());
    } else if (event.code in KEYS) {
      event.preventDefault();
      this.held[down ? "add" : "delete"](event.code);
      this.#walk(heading(this.held));
    }
  }

  /** A finger or mouse button pulls the player from where it came down. */
  pointer(kind, event) {
    if (kind === "down") this.from = [event.clientX, event.clientY];
    if (kind === "move" && this.from) {
      const pull = [(event.clientX - this.from[0]) / REACH, (this.from[1] - event.clientY) / REACH];
      const long = Math.max(1, Math.hypot(...pull));
      this.#walk(pull.map((part) => part / long), false);
    }
    if (kind === "up" && this.from) this.rest();
  }

  rest() {
    this.held.clear();
    this.from = null;
    this.#walk([0, 0]);
  }

  stop() {
    this.picture.follow(null);
  }

  /** Walk this way: each part from -1 to 1. */
  #walk([x, y], atOnce = true) {
    const now = performance.now();
    const going = `${x.toFixed(2)},${y.toFixed(2)}`;
    if (going === this.going || (!atOnce && now - this.turnedAt < TURN_MS)) return;
    this.going = going;
    this.turnedAt = now;
    this.player.act(meadow.move(x * SPEED, y * SPEED));
  }
}
