/** From yellow to cyan, colours of the same lightness look brighter: white text on them must stay readable. */
const BRIGHT_HUES = { from: 40, to: 190 };

/** A node's colour: consecutive numbers are far apart in hue. The number says the same without colour. */
export function nodeColour(node: number): string {
  const hue = Math.round((205 + node * 137.508) % 360);
  const isBright = hue >= BRIGHT_HUES.from && hue <= BRIGHT_HUES.to;
  return `hsl(${hue} 55% ${isBright ? 30 : 37}%)`;
}
