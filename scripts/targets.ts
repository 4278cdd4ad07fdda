/** The targets of the binary, as named by Bun, by the farmhash package, and by the executables themselves. */
import type { Executable } from "./executable.ts";

export interface Target extends Pick<Executable, "format" | "machine" | "loader"> {
  /** Name used for archives. */
  readonly name: string;
  /** The runtime that Bun embeds. */
  readonly bun: Bun.Build.CompileTarget;
  /** The farmhash package's name of the addon: `farmhash-<addon>.node`. */
  readonly addon: string;
}

const elf = (machine: Executable["machine"], loader: string) => ({ format: "ELF", machine, loader }) as const;
const machO = (machine: Executable["machine"]) => ({ format: "Mach-O", machine, loader: "/usr/lib/dyld" }) as const;

export const TARGETS: readonly Target[] = [
  { name: "linux-x64", bun: "bun-linux-x64", addon: "linux-x64", ...elf("x64", "/lib64/ld-linux-x86-64.so.2") },
  { name: "linux-arm64", bun: "bun-linux-arm64", addon: "linux-arm64", ...elf("arm64", "/lib/ld-linux-aarch64.so.1") },
  {
    name: "linux-x64-musl",
    bun: "bun-linux-x64-musl",
    addon: "linuxmusl-x64",
    ...elf("x64", "/lib/ld-musl-x86_64.so.1"),
  },
  {
    name: "linux-arm64-musl",
    bun: "bun-linux-arm64-musl",
    addon: "linuxmusl-arm64",
    ...elf("arm64", "/lib/ld-musl-aarch64.so.1"),
  },
  { name: "darwin-arm64", bun: "bun-darwin-arm64", addon: "darwin-arm64", ...machO("arm64") },
  { name: "darwin-x64", bun: "bun-darwin-x64", addon: "darwin-x64", ...machO("x64") },
];

/** The target of that name. @throws Error if there is none */
export function targetNamed(name: string): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (found === undefined)
    throw new Error(`no target ${name}: the targets are ${TARGETS.map((one) => one.name).join(", ")}`);
  return found;
}

/** This machine's target. @throws Error if there is none */
export function hostTarget(): Target {
  // The package's own name for this machine: it distinguishes musl, unlike `process`.
  const addon: string = require("farmhash/platform.js");
  const found = TARGETS.find((target) => target.addon === addon);
  if (found === undefined) throw new Error(`no target for this machine, ${addon}`);
  return found;
}
