// One visitor who plays on the meadow: what keys and fingers do, and what is shown of each view.

import { Coins } from "./coins.js";
import * as meadow from "../../clientmigration/meadow.js";
import { KEYS, heading } from "./walk.js";

const SPEED = 12; // metres per second
const TURN_MS = 80; // between two inputs of a finger, at least
const REACH = 44; // pixels that a finger has to go for full speed
const TAP = 12; // pixels: who has not pulled further has tapped
const THERE_M = 1.5; // so near to where it was sent a player stands still
const PATIENCE_MS = 60000; // for going there: a hedge may be in the way
const REACH_M = 4; // so near to a coin it is picked up
const SEEN_M = 240; // coins are drawn so far away

export class Walk {
  constructor(player, picture, say) {
    Object.assign(this, { player, picture, say });
    this.held = new Set();
    this.going = "0,0";
    this.turnedAt = 0;
    this.from = null; // where the finger came down
    this.goal = null; // where it was told to walk to, metres
    this.coins = new Coins();
  }

  seen(body) {
    const { x, y, coins, others } = meadow.look(body);
    const lying = this.#picked(x, y);
    this.#onward(x, y);
    const own = others.find((other) => other.player === this.player.name);
    this.picture.follow({
      x, y, server: own?.owner ?? 0, coins: lying,
      others: others.filter((other) => other !== own).map((other) => ({ x: other.x, y: other.y, server: other.owner })),
    });
    this.say("coins", `${coins}`);
  }

  /** The coins that lie around; those within reach are picked up. */
  #picked(x, y) {
    for (const coin of this.coins.near(x, y, REACH_M)) {
      this.coins.take(coin);
      this.player.act(meadow.find(coin.column, coin.row));
    }
    return this.coins.near(x, y, SEEN_M);
  }

  /** On to the goal, and stand still there. */
  #onward(x, y) {
    if (!this.goal) return;
    const way = [this.goal.x - x, this.goal.y - y];
    const far = Math.hypot(...way);
    if (far > THERE_M && performance.now() < this.goal.until) this.#walk(way.map((part) => part / far), false);
    else this.rest();
  }

  key(event, down) {
    if (event.code === "Space") {
      event.preventDefault();
      if (down && !event.repeat) this.player.act(meadow.pick());
    } else if (event.code in KEYS) {
      event.preventDefault();
      this.goal = null;
      this.held[down ? "add" : "delete"](event.code);
      this.#walk(heading(this.held));
    }
  }

  /** A tap is where to go. A finger or mouse button that is held pulls the player from where it came
   * down. */
  pointer(kind, event, at) {
    if (kind === "down") [this.from, this.pulled] = [[event.clientX, event.clientY], false];
    if (kind === "move" && this.from && (this.pulled ||= this.#away(event) > TAP)) {
      this.goal = null;
      const pull = [(event.clientX - this.from[0]) / REACH, (this.from[1] - event.clientY) / REACH];
      const long = Math.max(1, Math.hypot(...pull));
      this.#walk(pull.map((part) => part / long), false);
    }
    if (kind === "up" && this.from) {
      if (this.pulled) this.rest();
      else this.goal = { ...this.picture.where(at), until: performance.now() + PATIENCE_MS };
      this.from = null;
    }
  }

  #away(event) {
    return Math.hypot(event.clientX - this.from[0], event.clientY - this.from[1]);
  }

  rest() {
    this.held.clear();
    this.from = this.goal = null;
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
