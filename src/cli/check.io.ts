/** `--check`: what a configuration would do, and what keeps it from doing so. */
import type { Config } from "../config/config.ts";
import { type FileOptions, type ReadFile, readFrom, reportOnStandardError } from "../config/file.io.ts";
import { checkOf } from "../config/nodeCheck.ts";
import { bunPlatform } from "../engine/bunPlatform.io.ts";
import { type Foresight, foresee } from "../engine/foresight.ts";
import { liveChecks } from "../health/liveChecks.ts";
import { loadFingerprint32 } from "../placement/farmhash.io.ts";
import { tableText } from "../text/table.ts";
import type { Address } from "./address.ts";
import { changeText } from "./against.io.ts";
import { unknownNodes } from "./down.ts";
import { loopBack } from "./loopBack.io.ts";
import { planText } from "./plan.ts";
import { writeOutput } from "./standardStreams.io.ts";

const NO_ADDON = "the farmhash addon cannot be loaded, and is not needed: the same points were computed without it";

export interface CheckOptions extends FileOptions {
  /** The text of the configuration; undefined: read the file. */
  readonly text: string | undefined;
  /** Compare with the proxy whose console is there. */
  readonly against: Address | undefined;
  /** Asks every node's check once. */
  readonly isLive: boolean;
  /** Labels of nodes that are planned to be down. */
  readonly down: readonly string[];
}

/** Prints what it finds. Returns whether nothing is wrong. */
export async function check(options: CheckOptions): Promise<boolean> {
  const read = readFrom(options);
  if (read === undefined) return false;
  try {
    const foresight = await foresee(read.config, bunPlatform);
    if (!tell(foresight, options)) return false;
    const unknown = unknownNodes(
      options.down,
      foresight.nodes.map(({ config }) => config.label),
    );
    for (const line of unknown) console.error(line);
    if (unknown.length > 0) return false;
    writeOutput(Buffer.from(await reportText(read, foresight, options)));
    return !options.isLive || (await tellLive(read.config, foresight));
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

async function reportText(read: ReadFile, { nodes }: Foresight, { against, down }: CheckOptions): Promise<string> {
  const { config } = read;
  return against === undefined
    ? planText({ ...read, nodes, down }, () =>
        loadFingerprint32((reason) => console.error(`warning: ${NO_ADDON}: ${reason}`)),
      )
    : await changeText(config, nodes, against);
}

/** Returns whether no check failed. */
async function tellLive({ checkInterval }: Config, { nodes, isOwn }: Foresight): Promise<boolean> {
  const asked = nodes.map(({ config, addresses: [host] }) => ({ check: checkOf(config), host }));
  const found = await liveChecks(asked, {
    ...{ ...bunPlatform, intervalMs: checkInterval },
    whatElse: (host, port) => loopBack(host, port, { isOwn, network: bunPlatform.network }),
  });
  const rows = found.map(({ text }, i) => [nodes[i].config.label, text]);
  writeOutput(Buffer.from(`each check was made once\n${tableText(rows).replace(/^(?=.)/gm, "  ")}`));
  return !found.some(({ isFailure }) => isFailure);
}
