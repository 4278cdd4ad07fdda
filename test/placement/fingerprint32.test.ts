import { describe, expect, test } from "bun:test";
import { fingerprint32 as addons } from "farmhash";
import fc from "fast-check";
import { fingerprint32 } from "../../src/placement/fingerprint32.ts";

describe("our own fingerprint32", () => {
  // As the addon has it. A change of one of them would move names.
  test.each([
    ["", 3696677242],
    ["a", 1016544589],
    ["foo", 1800414691],
    ["abcd", 2562006677],
    ["abcde", 2750637740],
    ["app.logins", 4201391979],
    ["127.0.0.1:8", 1483277754],
    ["abcdefghijkl", 1769366226],
    ["abcdefghijklm", 1792790684],
    ["127.0.0.1:8130-2047", 1376862068],
    ["abcdefghijklmnopqrstuvwx", 222712484],
    ["abcdefghijklmnopqrstuvwxy", 1851954435],
    ["a.statsd.backend.example.com:8125-100", 1946910606],
    ["abcdefghijklmnopqrstuvwxyzabcdefghijklmno", 1250765275],
    ["caf\u00e9", 3698664665],
    ["\xff\xfe\x80", 3708369660],
  ])("of %j is %d", (text, value) => {
    const bytes = Buffer.from(text);
    expect(fingerprint32(bytes, 0, bytes.length)).toBe(value);
  });

  test("is the addon's for every length up to 300, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: "max" }), (name) => {
        expect(fingerprint32(name, 0, name.length)).toBe(addons(Buffer.from(name)));
      }),
      { numRuns: 5000 },
    );
    for (let length = 0; length <= 300; length++) {
      for (const fill of [0, 0x41, 0x80, 0xff]) {
        const name = Buffer.alloc(length, fill);
        expect(fingerprint32(name, 0, length)).toBe(addons(name));
      }
    }
  });

  test("is the addon's for text that is not ASCII", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        const bytes = Buffer.from(text);
        expect(fingerprint32(bytes, 0, bytes.length)).toBe(addons(text));
      }),
    );
  });

  test("reads the name's part of the bytes and no more, at any place, and of one buffer after another", () => {
    const around = fc.uint8Array({ maxLength: 20 });
    const places = fc.array(fc.tuple(around, fc.uint8Array({ maxLength: 90 }), around), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(places, (places) => {
        const buffers = places.map(([before, name, after]) => Buffer.concat([before, name, after]));
        for (let round = 0; round < 2; round++) {
          places.forEach(([before, name], i) => {
            const end = before.length + name.length;
            expect(fingerprint32(buffers[i], before.length, end)).toBe(addons(Buffer.from(name)));
          });
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("reads one buffer after another, though they are of the same length", () => {
    for (const name of ["app.logins", "app.logout", "app.logins"]) {
      const bytes = Buffer.from(name);
      expect(fingerprint32(bytes, 0, bytes.length)).toBe(addons(name));
    }
  });
});
