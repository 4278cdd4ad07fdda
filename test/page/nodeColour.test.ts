import { expect, test } from "bun:test";
import { nodeColour } from "../../src/page/nodeColour.ts";

/** WCAG 2.1, success criterion 1.4.3. */
const CONTRAST_MIN = 4.5;

test("white can be read on the colour of every node", () => {
  const tooBright = Array.from({ length: 1000 }, (_, node) => nodeColour(node)).filter(
    (colour) => contrastWithWhite(colour) < CONTRAST_MIN,
  );
  expect(tooBright).toEqual([]);
});

function contrastWithWhite(hsl: string): number {
  const [hue, saturation, lightness] = (/^hsl\((\d+) (\d+)% (\d+)%\)$/.exec(hsl)?.slice(1) ?? []).map(Number);
  const chroma = (saturation / 100) * Math.min(lightness / 100, 1 - lightness / 100);
  const [red, green, blue] = [0, 8, 4].map((offset) => {
    const k = (offset + hue / 30) % 12;
    const part = lightness / 100 - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}
