/** The command line. */
import { Command, Option } from "@commander-js/extra-typings";
import exampleConfig from "../exampleConfig.json";
import { version } from "../package.json";
import { DEFAULT_FILE, type ReadFile, readFrom } from "./configFile.ts";
import { problemText } from "./core/config.ts";
import { LOG_LEVELS, type LogLevel } from "./core/logLimit.ts";
import { demoHints, openDemoBackends, startSamples } from "./demo.ts";
import { healthcheckCommand } from "./healthcheck.ts";
import { LOG_FORMATS, type Log, type LogFormat, openLog } from "./io/log.ts";
import { planText } from "./plan.ts";
import { startProxy } from "./proxy.ts";
import { routeCommand } from "./routeCommand.ts";
import { Start } from "./start.ts";
import { topCommand } from "./top.ts";

interface Options {
  readonly file?: string | undefined;
  readonly debug?: true | undefined;
  readonly check?: true | undefined;
  readonly demo?: true | undefined;
  readonly log: LogFormat;
  readonly logLevel: LogLevel;
}

const formats = Object.keys(LOG_FORMATS) as LogFormat[];

await new Command("statsd-proxy")
  .description("Relays StatsD metrics to the backend that owns each name on a consistent-hash ring.")
  .option("-f, --file <file>", `configuration file, JSON5 (default: ${DEFAULT_FILE})`)
  .option("-d, --debug", "say what arrives, where it goes, and what the checks find")
  .option("--check", "validate the file, print what it would do, and exit")
  .option("--demo", "run with backends of its own and sample metrics; without -f, with an example configuration")
  .addOption(
    new Option("--log <format>", "form of the log on standard error").choices(formats).default("logfmt" as const),
  )
  .addOption(
    new Option("--log-level <level>", "the least that is said; debug: as --debug")
      .choices(LOG_LEVELS)
      .default("info" as const),
  )
  .version(version, "--version")
  .showHelpAfterError("(--help tells what there is)")
  .enablePositionalOptions()
  .action(run)
  .addCommand(healthcheckCommand)
  .addCommand(routeCommand)
  .addCommand(topCommand)
  .parseAsync();

async function run(options: Options): Promise<void> {
  const level = options.debug ? "debug" : options.logLevel;
  const log = openLog({ format: options.log, level });
  const example = options.demo && options.file === undefined ? JSON.stringify(exampleConfig) : undefined;
  const read = readFrom(options.file, example);
  if (read === undefined) process.exitCode = 1;
  else if (options.check) check(read);
  else await serve(read, options, log, level === "debug");
}

function check({ config, notes }: ReadFile): void {
  try {
    process.stdout.write(planText(config, notes));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

async function serve({ config, notes }: ReadFile, options: Options, log: Log, debugMode: boolean): Promise<void> {
  for (const note of notes) log.info("configuration", { note });
  const start = new Start();
  let proxy: Awaited<ReturnType<typeof startProxy>> = [];
  let stopping = false;
  const stop = async (signal: string) => {
    // A terminal's Ctrl-C may come twice: from it, and from the program that runs this one.
    if (stopping) return;
    stopping = true;
    log.info("stopping", { signal });
    if ("stop" in proxy) await proxy.stop();
    start.close();
    log.flush();
    process.exit(0);
  };
  // Before it says that it listens: from then on somebody may end it.
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () =>
    log.warn("reload_ignored", { signal: "SIGHUP", reason: "restart to read the file again" }),
  );

  if (options.demo) await openDemoBackends(config, (text) => console.log(text), start);
  proxy = start.problems.length === 0 ? await startProxy(config, log, debugMode) : start.problems;
  if (!("stop" in proxy)) {
    for (const problem of proxy) console.error(problemText(problem));
    start.close();
    process.exitCode = 1;
    return;
  }
  if (options.demo) {
    console.log(demoHints(proxy.port, proxy.consolePort));
    await startSamples(config, proxy.port, start);
  }
}
