import { expect, test } from "bun:test";
import fc from "fast-check";
import { cutName, namePartsOf } from "../../src/text/nameParts.ts";

const FLEET = ["05", "12", "31"].map((number) => `metrics-backend-eu-west-1-${number}.prod.example.com`);

test("names are taken apart where they differ, at the ends of words", () => {
  expect(namePartsOf(FLEET)[2]).toEqual({ head: "metrics-backend-eu-west-1-", own: "31", tail: ".prod.example.com" });
  expect(namePartsOf(["10.0.0.1:8125", "10.0.0.12:8125"]).map(({ own }) => own)).toEqual(["1", "12"]);
  expect(namePartsOf(["statsd1", "statsd2"]).map(({ own }) => own)).toEqual(["statsd1", "statsd2"]);
  expect(namePartsOf(["a", "a.b"]).map(({ own }) => own)).toEqual(["a", "a.b"]);
  expect(namePartsOf(["only.one"])).toEqual([{ head: "", own: "only.one", tail: "" }]);
  expect(namePartsOf([])).toEqual([]);
});

test.each([
  [45, "metrics-backend-eu-west-1-31.prod.example.com"],
  [36, "metrics-backend-eu-west-1-31.prod..."],
  [30, "metrics-backend-eu-west-1-31.."],
  [21, "metrics-backend..31.."],
  [6, "..31.."],
  [5, "31"],
  [1, "3"],
  [0, ""],
])("in %d characters one is still told from the others", (width, text) => {
  expect(cutName(namePartsOf(FLEET)[2], width)).toBe(text);
});

test("names that have nothing in common keep their fronts and their ends", () => {
  const [one] = namePartsOf(["a-host-with-a-very-long-name.example.com:8125", "b"]);
  expect(cutName(one, 21)).toBe("a-host-..ple.com:8125");
});

test("nothing is lost or added, and a cut name has the width that it was given", () => {
  const names = fc.array(fc.string({ maxLength: 60 }), { maxLength: 5 });
  fc.assert(
    fc.property(names, fc.nat({ max: 70 }), (all, width) => {
      for (const [i, parts] of namePartsOf(all).entries()) {
        expect(parts.head + parts.own + parts.tail).toBe(all[i]);
        const cut = cutName(parts, width);
        if (all[i].length <= width) expect(cut).toBe(all[i]);
        else expect(cut.length).toBeLessThanOrEqual(width);
      }
    }),
  );
});
