// What tells one server from another: a colour and a shape. There are eight of each, given out in
// turn; from the ninth server on, a colour comes again with another shape.

const SHAPES = [
  "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z", // circle
  "M2.5 2.5h11v11h-11z", // square
  "M8 1.2L15 14H1z", // triangle
  "M8 .6L15 8L8 15.4L1 8z", // diamond
  "M5.6 1h4.8v4.6H15v4.8h-4.6V15H5.6v-4.6H1V5.6h4.6z", // plus
  "M1 2h14L8 14.8z", // triangle, pointing down
  "M8 .8l7 5.2l-2.7 8.6H3.7L1 6z", // pentagon
  "M3.4 1L8 5.6L12.6 1L15 3.4L10.4 8L15 12.6L12.6 15L8 10.4L3.4 15L1 12.6L5.6 8L1 3.4z", // cross
];

const LOOKS = SHAPES.length ** 2;

const given = new Map(); // number of a server -> which of the looks

/** These servers are there now, by number: who is new gets the first one that is free. */
export function give(numbers) {
  for (const number of given.keys()) if (!numbers.includes(number)) given.delete(number);
  for (const number of numbers) {
    if (given.has(number)) continue;
    const taken = new Set(given.values());
    let free = 0;
    while (taken.has(free)) free += 1;
    given.set(number, free % LOOKS);
  }
}

const look = (number) => given.get(number) ?? number % LOOKS;

/** Which of the eight colours, and of the eight shapes, a server has. */
export const tint = (number) => look(number) % SHAPES.length;
export const shape = (number) => (look(number) + Math.floor(look(number) / SHAPES.length)) % SHAPES.length;

/** The eight colours of the theme that applies now. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return SHAPES.map((_, n) => style.getPropertyValue(`--s${n}`).trim());
}

/** The mark of a server as a small SVG element. */
export function mark(number) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[shape(number)]);
  path.style.fill = `var(--s${tint(number)})`;
  svg.append(path);
  return svg;
}

/** From a server's number to its mark as a picture of `size` pixels, with a halo, for a canvas. */
export function sprites(size, halo) {
  const fills = colours();
  const pictures = new Map();
  return (number) => {
    const key = look(number);
    if (!pictures.has(key)) pictures.set(key, picture(SHAPES[shape(number)], fills[tint(number)], size, halo));
    return pictures.get(key);
  };
}

function picture(outline, fill, size, halo) {
  const path = new Path2D(outline);
  const drawn = document.createElement("canvas");
  drawn.width = drawn.height = Math.ceil(size * 1.3);
  const pen = drawn.getContext("2d");
  pen.translate(size * 0.15, size * 0.15);
  pen.scale(size / 16, size / 16);
  pen.lineWidth = 3.4;
  pen.lineJoin = "round";
  pen.strokeStyle = halo;
  pen.stroke(path);
  pen.fillStyle = fill;
  pen.fill(path);
  return drawn;
}
