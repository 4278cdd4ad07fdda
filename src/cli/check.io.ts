/** `--check`: what a configuration would do, and what keeps it from doing so. */
import type { Config } from "../config/config.ts";
import { type FileOptions, type ReadFile, readFrom, reportOnStandardError } from "../config/file.io.ts";
import { bunPlatform } from "../engine/bunPlatform.io.ts";
import { type Foresight, foresee } from "../engine/foresight.ts";
import { loadFingerprint32 } from "../placement/farmhash.io.ts";
import type { Address } from "./address.ts";
import { changeText } from "./against.io.ts";
import { planText } from "./plan.ts";
import { writeOutput } from "./standardStreams.io.ts";

export interface CheckOptions extends FileOptions {
  /** The text of the configuration; undefined: read the file. */
  readonly text: string | undefined;
  /** Compare with the proxy whose console is there. */
  readonly against: Address | undefined;
}

/** Prints what it finds. Returns whether nothing is wrong. */
export async function check(options: CheckOptions): Promise<boolean> {
  const read = readFrom(options);
  if (read === undefined) return false;
  try {
    const foresight = await foresee(read.config, bunPlatform);
    if (!tell(foresight, options)) return false;
    writeOutput(Buffer.from(await reportText(read, foresight, options)));
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A reader that stops early (`| head`) has what it wanted.
    if (code === "EPIPE") return true;
    console.error(message);
    return false;
  }
}

/** Returns whether the proxy may start. */
function tell({ errors, warnings }: Foresight, { file, isStrict }: FileOptions): boolean {
  const report = reportOnStandardError(file);
  for (const problem of warnings) {
    if (isStrict) report.error(problem);
    else report.warning(problem);
  }
  for (const problem of errors) report.error(problem);
  return errors.length === 0 && (warnings.length === 0 || isStrict !== true);
}

async function reportText(read: ReadFile, { nodes }: Foresight, { against }: CheckOptions): Promise<string> {
  const { config }: { config: Config } = read;
  return against === undefined
    ? planText({ ...read, nodes }, loadFingerprint32)
    : await changeText(config, nodes, against);
}
