/** What the build would say of binaries that are not what they should be. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { addonFile, whatIsWrong } from "../../scripts/readBack.ts";
import { hostTarget, TARGETS, type Target, targetNamed } from "../../scripts/targets.ts";
import { binary } from "../support/binary.ts";

setDefaultTimeout(30_000);

const HOST = hostTarget();
const OTHERS = TARGETS.filter((target) => target !== HOST);
let good: Buffer;

beforeAll(async () => {
  good = readFileSync(await binary());
});

function copy(): Buffer {
  return Buffer.from(good);
}

function addonOf(target: Target): Buffer {
  return readFileSync(addonFile(target));
}

test("of this machine's binary nothing is wrong", () => {
  expect(whatIsWrong(good, HOST)).toEqual([]);
});

test.each(OTHERS.map(({ name }) => name))("as the binary of %s it is refused, its form and its addon", (name) => {
  const target = targetNamed(name);
  const wrong = whatIsWrong(good, target).join("\n");
  for (const aspect of ["format", "machine", "loader"] as const) {
    const differs = HOST[aspect] !== target[aspect];
    expect(wrong.includes(`its ${aspect} is ${HOST[aspect]}, not ${target[aspect]}`)).toBe(differs);
  }
  expect(wrong).toContain(`the addon for ${target.addon} is not in it`);
  expect(wrong).toContain(`the addon for ${HOST.addon} is in it`);
});

test("an addon with one bit wrong is not the addon", () => {
  const bytes = copy();
  bytes[bytes.indexOf(addonOf(HOST)) + 5000] ^= 1;
  expect(whatIsWrong(bytes, HOST)).toEqual([`the addon for ${HOST.addon} is not in it`]);
});

test("another target's addon in the place of its own, or beside it, is told", () => {
  const instead = copy();
  const other = OTHERS.find((target) => addonOf(target).length <= addonOf(HOST).length);
  if (other !== undefined) {
    instead.set(addonOf(other), instead.indexOf(addonOf(HOST)));
    expect(whatIsWrong(instead, HOST)).toEqual([
      `the addon for ${HOST.addon} is not in it`,
      `the addon for ${other.addon} is in it`,
    ]);
  }
  for (const { addon, ...target } of OTHERS) {
    const beside = Buffer.concat([good, addonOf({ addon, ...target })]);
    expect(whatIsWrong(beside, HOST)).toContain(`the addon for ${addon} is in it`);
  }
});

test("a file that is cut short, empty, or no executable is told", () => {
  expect(whatIsWrong(good.subarray(0, 1_000_000), HOST)).not.toEqual([]);
  expect(whatIsWrong(Buffer.alloc(0), HOST)).toContain("not a 64-bit ELF or Mach-O file");
  expect(whatIsWrong(Buffer.from("#!/bin/sh\nexec bun\n".repeat(9)), HOST)).toContain(
    "not a 64-bit ELF or Mach-O file",
  );
});
