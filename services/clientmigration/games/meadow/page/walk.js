// Which way keys say to walk.

export const KEYS = {
  ArrowUp: [0, 1], KeyW: [0, 1], ArrowDown: [0, -1], KeyS: [0, -1],
  ArrowLeft: [-1, 0], KeyA: [-1, 0], ArrowRight: [1, 0], KeyD: [1, 0],
};

/** A unit vector, or no way at all, of the keys that are held. */
export function heading(held) {
  const sum = [...held].reduce(([x, y], code) => [x + KEYS[code][0], y + KEYS[code][1]], [0, 0]);
  const long = Math.hypot(...sum);
  return long ? sum.map((part) => part / long) : [0, 0];
}
