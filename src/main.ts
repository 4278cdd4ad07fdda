/** The command line. */
import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import exampleConfig from "../exampleConfig.json";
import { version } from "../package.json";
import { type Address, addressOf } from "./cli/address.ts";
import { changeText } from "./cli/against.io.ts";
import { healthcheckCommand } from "./cli/healthcheck.io.ts";
import { planText } from "./cli/plan.ts";
import { routeCommand } from "./cli/route.io.ts";
import { serve } from "./cli/serve.io.ts";
import { writeOutput } from "./cli/standardStreams.io.ts";
import { topCommand } from "./cli/top.io.ts";
import { DEFAULT_FILE, type ReadFile, readFrom } from "./config/file.io.ts";
import { bunPlatform } from "./engine/bunPlatform.io.ts";
import { nodesNow } from "./engine/nodesNow.ts";
import { LOG_FORMATS, type LogFormat } from "./log/log.io.ts";
import { LOG_LEVELS, type LogLevel } from "./log/logLimit.ts";
import { loadFingerprint32 } from "./placement/farmhash.io.ts";
import { suggestion } from "./text/nearest.ts";

interface Options {
  readonly file?: string | undefined;
  readonly debug?: true | undefined;
  readonly check?: true | undefined;
  readonly demo?: true | undefined;
  readonly watch?: true | undefined;
  readonly against?: Address | undefined;
  readonly log: LogFormat;
  readonly logLevel: LogLevel;
}

const NO_ADDON = "the farmhash addon cannot be loaded, and is not needed: the same points were computed without it";

const formats = Object.keys(LOG_FORMATS) as LogFormat[];

await new Command("statsd-proxy")
  .description("Relays StatsD metrics to the backend that owns each name on a consistent-hash ring.")
  .option("-f, --file <file>", `configuration file, JSON5 (default: ${DEFAULT_FILE})`)
  .option("-d, --debug", "log what arrives, where it goes, and what the checks find")
  .addOption(new Option("--check", "validate the configuration, print what it would do, and exit").conflicts("watch"))
  .option("--against <address>", "with --check: compare with the proxy whose console is at HOST:PORT", addressOf)
  .option("--watch", "read the configuration file again whenever it changes")
  .option("--demo", "run with demo backends and sample metrics; without -f, use the example configuration")
  .addOption(
    new Option("--log <format>", "format of the log on standard error").choices(formats).default("logfmt" as const),
  )
  .addOption(
    new Option("--log-level <level>", "lowest level to log; debug is the same as --debug")
      .choices(LOG_LEVELS)
      .default("info" as const),
  )
  .version(version, "--version")
  .showHelpAfterError("(see --help)")
  .enablePositionalOptions()
  .helpCommand(true)
  // Reported as an unknown command.
  .allowExcessArguments()
  .action(run)
  .addCommand(healthcheckCommand)
  .addCommand(routeCommand)
  .addCommand(topCommand)
  .parseAsync();

async function run(options: Options, command: CommandUnknownOpts): Promise<void> {
  const mistake = mistakeIn(options, command);
  if (mistake !== undefined) command.error(`error: ${mistake}`);
  const example = options.demo && options.file === undefined ? JSON.stringify(exampleConfig) : undefined;
  if (options.check) await check(readFrom(options.file, example), options.against);
  else {
    const { debug, demo, watch } = options;
    const flags = { isDebug: debug === true, isDemo: demo === true, isWatching: watch === true };
    await serve({ ...options, ...flags, text: example });
  }
}

/** What is wrong with a command line whose words are right one by one. */
function mistakeIn({ check, against, watch, demo, file }: Options, { args, commands }: CommandUnknownOpts) {
  const [unknown] = args;
  if (unknown !== undefined) {
    const known = [...commands.map((command) => command.name()), "help"];
    return `unknown command ${unknown}${suggestion(unknown, known)}`;
  }
  if (against && !check) return "--against needs --check";
  if (watch && demo && file === undefined) return "--watch needs a file: name it with -f";
  return undefined;
}

async function check(read: ReadFile | undefined, against: Address | undefined): Promise<void> {
  try {
    if (read === undefined) process.exitCode = 1;
    else if (against === undefined) {
      const { nodes, warnings } = await nodesNow(read.config, bunPlatform);
      for (const warning of warnings) console.error(`warning: ${warning}`);
      const load = () => loadFingerprint32((reason) => console.error(`warning: ${NO_ADDON}: ${reason}`));
      writeOutput(Buffer.from(planText({ ...read, nodes }, load)));
    } else writeOutput(Buffer.from(await changeText(read.config, against)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A reader that stops early (`| head`) has what it wanted.
    if (code === "EPIPE") return;
    console.error(message);
    process.exitCode = 1;
  }
}
