// Splash on the homepage: rooms from above while one watches, the board of one's room while one
// plays. A page module of a game, as docs/your-game.md says.

import { Board, paint, go, look, TEAMS } from "./board.js";

export const words = {
  above: "The rooms of Splash, seen from above",
  how: "Four teams, one board: paint with mouse or finger",
  playing: "Paint with mouse or finger. N goes to the next room",
  label: "You play Splash. Arrow keys and the space bar paint, N goes to the next room, Escape stops.",
};

export const hud = { team: "Team", room: "Room", left: "Time", crowns: "Crowns" };
export const map = false;

/** The picture: everybody from above, and over it the board while one plays. */
export function picture(canvas, small, site) {
  const world = new site.World(canvas, small);
  const board = new Board(canvas);
  return {
    heard: (told) => world.heard(told),
    showServers: (servers) => world.showServers(servers),
    theme: () => { world.theme(); board.theme(); },
    board,
  };
}

const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const EACH_MS = 90; // between two strokes of a finger that is drawn over the board

/** One visitor who plays. */
export function play({ player, picture: { board }, say, toast }) {
  let seen = null, down = false, last = "", lastAt = 0, match = 0;
  const stroke = (cell) => {
    const key = `${cell}`, now = performance.now();
    if (!seen || (key === last && now - lastAt < 400) || now - lastAt < EACH_MS) return;
    [last, lastAt] = [key, now];
    board.splash(cell, seen.team);
    player.act(paint(...cell));
  };
  board.show(true);
  return {
    seen(body) {
      seen = look(body);
      if (match && seen.match === match + 1 && seen.winner) {
        const ours = seen.winner === seen.team ? " You get a crown." : "";
        toast(`${TEAMS[seen.winner]} wins the match.${ours}`);
      }
      match = seen.match;
      board.draw(seen);
      say("team", TEAMS[seen.team]);
      say("room", `${seen.room + 1}, ${seen.players} here`);
      say("left", seen.where ? `${Math.ceil(seen.left / 10)} s` : "opening");
      say("crowns", `${seen.crowns}`);
    },
    key(event, pressed) {
      if (event.code in STEPS) {
        event.preventDefault();
        if (pressed) board.step(STEPS[event.code]);
      } else if (event.code === "Space") {
        event.preventDefault();
        if (pressed) stroke(board.at);
      } else if (event.code === "KeyN" && pressed && !event.repeat && seen) {
        player.act(go((seen.room + 1) % 255));
      }
    },
    pointer(kind, event, at) {
      if (kind === "down") down = true;
      const cell = board.cell(at);
      if (down && cell) stroke(cell);
      if (kind === "up") down = false;
    },
    rest() { down = false; },
    stop() { board.show(false); },
  };
}
