/** The command line. */
import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import exampleConfig from "../exampleConfig.json";
import { version } from "../package.json";
import { type Address, addressOf } from "./cli/address.ts";
import { healthcheckCommand, routeCommand, topCommand } from "./cli/commands.io.ts";
import { collectDown } from "./cli/down.ts";
import { fileNamed } from "./cli/fileOption.ts";
import { helpCommand, newCommand, refuseStrayOptions, strayWord } from "./cli/help.io.ts";
import { DEFAULT_FILE } from "./config/fileName.ts";
import { LOG_FORMATS, type LogFormat } from "./log/logfmt.ts";
import { LOG_LEVELS, type LogLevel } from "./log/logLimit.ts";

interface Options {
  readonly file?: string | undefined;
  readonly debug?: true | undefined;
  readonly check?: true | undefined;
  readonly demo?: true | undefined;
  readonly live?: true | undefined;
  readonly strict?: true | undefined;
  readonly watch?: true | undefined;
  readonly against?: Address | undefined;
  readonly down?: readonly string[] | undefined;
  readonly log: LogFormat;
  readonly logLevel: LogLevel;
}

const formats = Object.keys(LOG_FORMATS) as LogFormat[];

await newCommand("statsd-proxy")
  .description("Relays StatsD metrics to the backend that owns each name on a consistent-hash ring.")
  .option("-f, --file <file>", `configuration file, JSON5; - is standard input (default: ${DEFAULT_FILE})`, fileNamed)
  .option("-d, --debug", "log what arrives, where it goes, and what the checks find")
  .addOption(new Option("--check", "validate the configuration, print what it would do, and exit").conflicts("watch"))
  .option("--against <address>", "with --check: compare with the proxy whose console is at HOST:PORT", addressOf)
  .addOption(new Option("--live", "with --check: ask every node's health check once").conflicts("against"))
  .addOption(
    new Option("--down <node>", "with --check: what becomes of the names while this node is down; can be repeated")
      .argParser(collectDown)
      .conflicts("against"),
  )
  .option("--strict", "take warnings about the configuration for errors, at the start and at every reload")
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
  .enablePositionalOptions()
  .helpCommand(false)
  // Reported as an unknown command or option.
  .allowExcessArguments()
  .allowUnknownOption()
  .hook("preSubcommand", refuseStrayOptions)
  .action(run)
  .addCommand(healthcheckCommand)
  .addCommand(routeCommand)
  .addCommand(topCommand)
  .addCommand(helpCommand)
  .parseAsync();

async function run(options: Options, command: CommandUnknownOpts): Promise<void> {
  const mistake = mistakeIn(options, command);
  if (mistake !== undefined) command.error(`error: ${mistake}`);
  const example = options.demo && options.file === undefined ? JSON.stringify(exampleConfig) : undefined;
  const { file, strict, against, live, down = [] } = options;
  const isStrict = strict === true;
  if (options.check) {
    const { check } = await import("./cli/check.io.ts");
    if (!(await check({ file, isStrict, text: example, against, isLive: live === true, down }))) process.exitCode = 1;
  } else {
    const { serve } = await import("./cli/serve.io.ts");
    const { debug, demo, watch } = options;
    const flags = { isDebug: debug === true, isDemo: demo === true, isWatching: watch === true, isStrict };
    await serve({ ...options, ...flags, text: example });
  }
}

/** What is wrong with a command line whose words are right one by one. */
function mistakeIn(
  { check, against, live, down, watch, demo, file }: Options,
  command: CommandUnknownOpts,
): string | undefined {
  const stray = strayWord(command);
  if (stray !== undefined) return stray;
  if (against && !check) return "--against needs --check";
  if (live && !check) return "--live needs --check";
  if (down && !check) return "--down needs --check";
  if (watch && demo && file === undefined) return "--watch needs a file: name it with -f";
  return undefined;
}
