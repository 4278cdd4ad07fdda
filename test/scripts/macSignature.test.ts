import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { signAdHoc, signatureProblem } from "../../scripts/macSignature.ts";
import { addonFile } from "../../scripts/readBack.ts";
import { targetNamed } from "../../scripts/targets.ts";

/** Signed by Apple's linker. */
const signed = () => readFileSync(addonFile(targetNamed("darwin-arm64")));
const unsigned = () => readFileSync(addonFile(targetNamed("darwin-x64")));
const IDENTIFIER = "farmhash-darwin-arm64.node";

/** Where the linker's signature begins, and where in it the identifier and the hashes of the pages do. */
const SIGNATURE = signed().indexOf(Buffer.from("fade0cc0", "hex"));
const HASHES = signed().indexOf(IDENTIFIER, SIGNATURE);

describe("a signature", () => {
  test("of Apple's linker is taken for what it is", () => {
    expect(signatureProblem(signed())).toBeUndefined();
  });

  test.each([0, 4095, 4096, 40_000, SIGNATURE - 1])("does not fit when byte %d is another one", (at) => {
    const bytes = signed();
    bytes[at] ^= 0x80;
    expect(signatureProblem(bytes)).toBe(`page ${Math.floor(at / 4096)} is not what was signed`);
  });

  test("does not fit when one of its hashes is another one", () => {
    const bytes = signed();
    bytes[HASHES + IDENTIFIER.length + 1 + 32] ^= 1;
    expect(signatureProblem(bytes)).toBe("page 1 is not what was signed");
  });

  test("must be the end of the file", () => {
    expect(signatureProblem(Buffer.concat([signed(), Buffer.from("more")]))).toBe(
      "the signature is not the end of the file",
    );
  });

  test("must be there", () => {
    expect(signatureProblem(unsigned())).toBe("there is no signature");
    expect(() => signAdHoc(unsigned(), "x")).toThrow("there is no signature");
  });
});

describe("signing anew", () => {
  test("makes the hashes that Apple's linker made", () => {
    const bytes = signed();
    bytes.fill(0, SIGNATURE);
    signAdHoc(bytes, IDENTIFIER);
    expect(signatureProblem(bytes)).toBeUndefined();
    expect(bytes.subarray(0, SIGNATURE).equals(signed().subarray(0, SIGNATURE))).toBe(true);
    expect(bytes.subarray(HASHES).equals(signed().subarray(HASHES))).toBe(true);
  });

  test("fits what was changed", () => {
    const bytes = signed();
    bytes[40_000] ^= 0xff;
    signAdHoc(bytes, "another");
    expect(signatureProblem(bytes)).toBeUndefined();
    expect(bytes[40_000]).toBe(signed()[40_000] ^ 0xff);
  });

  test("needs room", () => {
    expect(() => signAdHoc(signed(), "x".repeat(100))).toThrow("no room for the signature");
  });
});
