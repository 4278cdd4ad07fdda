import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { readExecutable } from "../../scripts/executable.ts";
import { addonFile } from "../../scripts/readBack.ts";
import { TARGETS, targetNamed } from "../../scripts/targets.ts";

const GNU = ["libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libc.so.6"];
const APPLE = ["/usr/lib/libc++.1.dylib", "/usr/lib/libSystem.B.dylib"];

/** What `readelf -d` and `llvm-objdump --macho --dylibs-used` say of the farmhash package's addons. */
const LIBRARIES: Record<string, string[]> = {
  "linux-x64": GNU,
  "linux-arm64": GNU,
  "linux-x64-musl": ["libstdc++.so.6", "libgcc_s.so.1", "libc.musl-x86_64.so.1"],
  "linux-arm64-musl": ["libstdc++.so.6", "libgcc_s.so.1", "libc.musl-aarch64.so.1"],
  "darwin-arm64": APPLE,
  "darwin-x64": APPLE,
};

test.each(TARGETS.map(({ name }) => name))("the addon of %s is read as what it is", (name) => {
  const { format, machine } = targetNamed(name);
  const found = readExecutable(readFileSync(addonFile(targetNamed(name))));
  expect(found).toEqual({ format, machine, loader: undefined, libraries: LIBRARIES[name] });
});

test.skipIf(process.platform !== "linux")(
  "the running Bun names its loader and the libraries that it has open (Linux only)",
  () => {
    const { format, machine, loader, libraries } = readExecutable(readFileSync(process.execPath));
    expect({ format, machine }).toEqual({ format: "ELF", machine: process.arch as "x64" | "arm64" });
    expect(loader).toMatch(/^\/lib(64)?\/ld-/);
    const open = readFileSync("/proc/self/maps", "utf8");
    expect(libraries).not.toBeEmpty();
    // musl's loader is libc as well.
    for (const library of libraries.filter((name) => !name.startsWith("libc.musl")))
      expect(open).toContain(`/${library.split(".so")[0]}`);
  },
);

test.each([
  ["nothing", Buffer.alloc(0)],
  ["text", Buffer.from("#!/bin/sh\n".repeat(20))],
  ["half a header", readFileSync(process.execPath).subarray(0, 40)],
  ["ELF of 32 bits", Buffer.concat([Buffer.from("\x7fELF\x01\x01"), Buffer.alloc(100)])],
])("%s is no executable", (_, bytes) => {
  expect(() => readExecutable(bytes)).toThrow("not a 64-bit ELF or Mach-O file");
});

test("another processor's is refused", () => {
  const bytes = readFileSync(addonFile(targetNamed("linux-x64")));
  bytes.writeUInt16LE(243, 18);
  expect(() => readExecutable(bytes)).toThrow("for an unknown processor (243)");
});
