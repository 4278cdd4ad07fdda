/** The command line. */
import { Command, Option } from "@commander-js/extra-typings";
import exampleConfig from "../exampleConfig.json";
import { version } from "../package.json";
import { demoHints, openDemoBackends, startSamples } from "./cli/demo.io.ts";
import { healthcheckCommand } from "./cli/healthcheck.io.ts";
import { planText } from "./cli/plan.ts";
import { routeCommand } from "./cli/route.io.ts";
import { writeOutput } from "./cli/standardStreams.io.ts";
import { topCommand } from "./cli/top.io.ts";
import { DEFAULT_FILE, type ReadFile, readFrom } from "./config/file.io.ts";
import { problemText } from "./config/problem.ts";
import { openLineWriter } from "./log/lineWriter.io.ts";
import { LOG_FORMATS, type Log, type LogFormat, openLog } from "./log/log.io.ts";
import { LOG_LEVELS, type LogLevel } from "./log/logLimit.ts";
import { startProxy } from "./proxy/proxy.ts";
import { Start } from "./proxy/start.ts";

interface Options {
  readonly file?: string | undefined;
  readonly debug?: true | undefined;
  readonly check?: true | undefined;
  readonly demo?: true | undefined;
  readonly log: LogFormat;
  readonly logLevel: LogLevel;
}

/** The longest that the end waits until the log is read, and that of a start which fails. */
const END_MS_MAX = 100;
const FAILED_START_MS_MAX = 1000;

const formats = Object.keys(LOG_FORMATS) as LogFormat[];

await new Command("statsd-proxy")
  .description("Relays StatsD metrics to the backend that owns each name on a consistent-hash ring.")
  .option("-f, --file <file>", `configuration file, JSON5 (default: ${DEFAULT_FILE})`)
  .option("-d, --debug", "log what arrives, where it goes, and what the checks find")
  .option("--check", "validate the configuration, print what it would do, and exit")
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
  .action(run)
  .addCommand(healthcheckCommand)
  .addCommand(routeCommand)
  .addCommand(topCommand)
  .parseAsync();

async function run(options: Options): Promise<void> {
  const example = options.demo && options.file === undefined ? JSON.stringify(exampleConfig) : undefined;
  if (options.check) check(readFrom(options.file, example));
  else await serve(options, example);
}

function check(read: ReadFile | undefined): void {
  try {
    if (read === undefined) process.exitCode = 1;
    else writeOutput(Buffer.from(planText(read.config, read.notes)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Who reads no further (`| head`) has what it wanted.
    if (code === "EPIPE") return;
    console.error(message);
    process.exitCode = 1;
  }
}

async function serve(options: Options, example: string | undefined): Promise<void> {
  const level = options.debug ? "debug" : options.logLevel;
  const log = openLog({ format: options.log, level });
  // However it ends, with an exception for one.
  process.on("exit", () => log.flush(END_MS_MAX));
  // Reading keeps the event loop waiting, and what is said meanwhile is to be seen meanwhile.
  const read = readFrom(options.file, example, (line) => {
    log.text(line);
    log.flush(0);
  });
  if (read === undefined) {
    fail(log);
    return;
  }
  const { config, notes } = read;
  for (const note of notes) log.info("configuration", { note });

  const start = new Start();
  let proxy: Awaited<ReturnType<typeof startProxy>> = [];
  let stopping = false;
  const stop = async (signal: string) => {
    // A terminal's Ctrl-C may come twice: from it, and from the program that runs this one.
    if (stopping) return;
    stopping = true;
    log.info("stopping", { signal });
    try {
      if ("stop" in proxy) await proxy.stop();
      start.close();
    } catch (error) {
      log.error("internal_error", { reason: String((error as Error).message) });
    }
    process.exit(0);
  };
  // Before it says that it listens: from then on somebody may end it.
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () =>
    log.warn("reload_ignored", { signal: "SIGHUP", reason: "restart to read the file again" }),
  );

  const shown = options.demo ? openLineWriter(1, (lines) => `(${lines} lines are missing here)`) : undefined;
  if (shown) {
    process.on("exit", () => shown.flush(END_MS_MAX));
    await openDemoBackends(config, (text) => shown.write(text), start);
  }
  proxy = start.problems.length === 0 ? await startProxy(config, log, level === "debug") : start.problems;
  if (!("stop" in proxy)) {
    for (const problem of proxy) log.text(problemText(problem));
    start.close();
    fail(log);
    return;
  }
  const { failed } = proxy;
  // Whatever a timer or a handler throws is counted and logged; the metrics go on.
  process.on("uncaughtException", failed);
  process.on("unhandledRejection", (reason) => failed(reason as Error));
  if (shown) {
    shown.write(demoHints(proxy.port, proxy.consolePort));
    await startSamples(config, proxy.port, start);
  }
}

/** Nothing runs that could be held up, so whoever reads slowly has time to read why. */
function fail(log: Log): void {
  log.flush(FAILED_START_MS_MAX);
  process.exitCode = 1;
}
