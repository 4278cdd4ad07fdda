/** From yellow to cyan, where a colour of the same lightness is brighter to the eye: white on it must be read. */
const BRIGHT_HUES = { from: 40, to: 190 };

/** A node's colour: neighbours in number are far apart in hue. Its number says the same without colour. */
export function nodeColour(node: number): string {
  const hue = Math.round((205 + node * 137.508) % 360);
  const isBright = hue >= BRIGHT_HUES.from && hue <= BRIGHT_HUES.to;
  return `hsl(${hue} 55% ${isBright ? 30 : 37}%)`;
}
