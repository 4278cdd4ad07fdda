/** Inspects a finished binary: does it match its target? What the builder was told is no proof. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readExecutable } from "./executable.ts";
import { signatureProblem } from "./macSignature.ts";
import type { Target } from "./targets.ts";

const ADDONS = join(dirname(require.resolve("farmhash")), "build");
const ADDON_NAME = /^farmhash-(.*)\.node$/;

/** The farmhash addon of a target, as a file. */
export function addonFile(target: Target): string {
  return join(ADDONS, `farmhash-${target.addon}.node`);
}

/** Everything that is wrong with the binary. */
export function whatIsWrong(bytes: Buffer, target: Target): string[] {
  return [...wrongForm(bytes, target), ...wrongAddons(bytes, target)];
}

function wrongForm(bytes: Buffer, target: Target): string[] {
  try {
    const found = readExecutable(bytes);
    const aspects = ["format", "machine", "loader"] as const;
    const differing = aspects.filter((aspect) => found[aspect] !== target[aspect]);
    const wrong = differing.map((aspect) => `its ${aspect} is ${found[aspect]}, not ${target[aspect]}`);
    const unsigned = found.format === "Mach-O" ? signatureProblem(bytes) : undefined;
    return unsigned === undefined ? wrong : [...wrong, unsigned];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** It must contain the target's addon, byte for byte, and no other. */
function wrongAddons(bytes: Buffer, target: Target): string[] {
  const embedded = readdirSync(ADDONS)
    .filter((file) => bytes.includes(readFileSync(join(ADDONS, file))))
    .map((file) => ADDON_NAME.exec(file)?.[1] ?? file);
  const others = embedded.filter((addon) => addon !== target.addon);
  return [
    ...(embedded.includes(target.addon) ? [] : [`the addon for ${target.addon} is not in it`]),
    ...others.map((addon) => `the addon for ${addon} is in it`),
  ];
}
