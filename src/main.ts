/** The command line. */
import { readFileSync } from "node:fs";
import { Command } from "@commander-js/extra-typings";
import exampleConfig from "../exampleConfig.json";
import { version } from "../package.json";
import { type Config, type ConfigReading, problemText, readConfig } from "./core/config.ts";
import { escapeBytes } from "./core/escape.ts";
import { demoHints, openDemoBackends, startSamples } from "./demo.ts";
import { askHealth } from "./healthcheck.ts";
import { type Log, standardErrorLog } from "./io/log.ts";
import { planText } from "./plan.ts";
import { startProxy } from "./proxy.ts";
import { Start } from "./start.ts";

const DEFAULT_FILE = "/etc/statsdproxy.json";

interface Options {
  readonly file?: string | undefined;
  readonly debug?: true | undefined;
  readonly check?: true | undefined;
  readonly demo?: true | undefined;
}

const program = new Command("statsd-proxy")
  .description("Relays StatsD metrics to the backend that owns each name on a consistent-hash ring.")
  .option("-f, --file <file>", `configuration file, JSON5 (default: ${DEFAULT_FILE})`)
  .option("-d, --debug", "say what arrives, where it goes, and what the checks find")
  .option("--check", "validate the file, print what it would do, and exit")
  .option("--demo", "run with backends of its own and sample metrics; without -f, with an example configuration")
  .version(version, "--version")
  .showHelpAfterError("(--help tells what there is)")
  .helpCommand(false)
  .action(run);
program
  .command("healthcheck")
  .description("ask the proxy that runs with the same file how it is, and exit: 0 if it answers `health: up`, else 1")
  .option("--alive", "any answer will do, `health: down` too")
  .action(healthcheck);
await program.parseAsync();

async function run(options: Options): Promise<void> {
  const log = standardErrorLog(options.debug === true);
  const config = configOf(options);
  if (config === undefined) process.exitCode = 1;
  else if (options.check) check(config);
  else await serve(config, options, log);
}

async function healthcheck({ alive }: { readonly alive?: true | undefined }): Promise<void> {
  const config = configOf(program.opts());
  if (config === undefined) process.exit(1);
  try {
    const answer = await askHealth(config);
    const wanted = alive ? /^health: (up|down)$/ : /^health: up$/;
    console.log(escapeBytes(Buffer.from(answer, "latin1")));
    process.exit(wanted.test(answer) ? 0 : 1);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

/** The configuration in the file; or undefined, and each problem said on a line of its own. */
function configOf(options: Options): Config | undefined {
  const embedded = options.demo && options.file === undefined;
  const file = options.file ?? DEFAULT_FILE;
  let reading: ConfigReading;
  try {
    reading = readConfig(embedded ? JSON.stringify(exampleConfig) : readFileSync(file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file (-f names another, --demo needs none)" : message;
    reading = { errors: [{ at: "", message: reason }], warnings: [] };
  }
  for (const problem of reading.warnings) console.error(`${file}: warning: ${problemText(problem)}`);
  for (const problem of reading.errors) console.error(`${file}: ${problemText(problem)}`);
  return reading.config;
}

function check(config: Config): void {
  try {
    process.stdout.write(planText(config));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

async function serve(config: Config, options: Options, log: Log): Promise<void> {
  const start = new Start();
  if (options.demo) await openDemoBackends(config, (text) => console.log(text), start);
  const proxy = start.problems.length === 0 ? await startProxy(config, log, options.debug === true) : start.problems;
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

  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info("stopping", { signal });
    await proxy.stop();
    start.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () =>
    log.warn("reload_ignored", { signal: "SIGHUP", reason: "restart to read the file again" }),
  );
}
