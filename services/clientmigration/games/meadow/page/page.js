// The meadow on the homepage: what its words are, how it is drawn, and what keys and fingers do.
// A page module of a game, as docs/your-game.md says; the site knows nothing of the meadow.

export const words = {
  above: "The meadow, seen from above",
  how: "By keys, by mouse or by touch",
  playing: "Tap where to go, or use arrow keys",
  label: "You play. Arrow keys walk, who walks over a coin picks it up, Escape stops.",
};

export const hud = { coins: "Coins" };

/** The picture: everybody from above, and while one plays what is near. */
export function picture(canvas, map, site) {
  return new site.World(canvas, map);
}

let Walk = null;

/** Loads what only those need who can play. */
export async function ready() {
  ({ Walk } = await import("./visit.js"));
}

/** One visitor who plays. */
export function play({ player, picture, say }) {
  return new Walk(player, picture, say);
}
