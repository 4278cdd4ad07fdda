import { describe, expect, test } from "bun:test";
import { fingerprint32 as addons } from "farmhash";
import { judged, loadFingerprint32 } from "../../src/placement/farmhash.io.ts";

test("the function that is loaded is the addon's, and nothing is missing", () => {
  const missing: string[] = [];
  const fingerprint32 = loadFingerprint32((reason) => missing.push(reason));
  for (const text of ["", "foo", "caf\u00e9", "x".repeat(100)]) expect(fingerprint32(text)).toBe(addons(text));
  expect(missing).toEqual([]);
});

describe("an addon ends the start", () => {
  test.each([
    ["of 4 bytes or fewer", (length: number) => length <= 4],
    ["of 5 to 12", (length: number) => length > 4 && length <= 12],
    ["of 13 to 24", (length: number) => length > 12 && length <= 24],
    ["of more than 24", (length: number) => length > 24],
  ])("if it hashes text in another way %s", (_, isOther) => {
    const other = (input: string | Buffer) => addons(input) + Number(isOther(Buffer.byteLength(input)));
    expect(() => judged(other)).toThrow("the farmhash addon is damaged: it hashes ");
  });

  test("not if it hashes all text as we do", () => {
    expect(judged(addons)).toBe(addons);
  });
});
