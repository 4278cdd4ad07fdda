/** Measures what relaying a metric costs on this machine. `--help` explains the figures. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { fileURLToPath } from "bun";
import { Failure } from "./bench/failure.ts";
import { type Pinning, pinning } from "./bench/pinning.ts";
import { endAll } from "./bench/processes.ts";
import { otherRelay, ourRelay, type RelayCommand } from "./bench/relay.ts";
import { type Measured, reportHeader, reportRows, type Shown } from "./bench/report.ts";
import { Rig } from "./bench/rig.ts";
import { searchHighest } from "./bench/search.ts";
import { Session, type Shot } from "./bench/session.ts";
import { canMeasure } from "./bench/usage.ts";
import { NAMES, WORKLOADS, type WorkloadName } from "./bench/workloads.ts";

const WORKLOAD_NAMES = Object.keys(WORKLOADS) as WorkloadName[];
const BINARY = fileURLToPath(new URL("../dist/statsd-proxy", import.meta.url));
const EXPLANATION = `
A sender, the relay and the backends run as processes of this machine and session over 127.0.0.1. For each workload the
relay is started, warmed up and measured at a steady, modest rate, several times over; the table shows medians.

Workloads (${NAMES.toLocaleString("en")} names; rates in datagrams per second):
${WORKLOAD_NAMES.map((name) => `  ${name}  ${WORKLOADS[name].what}, at ${WORKLOADS[name].datagramsPerSecond.toLocaleString("en")}`).join("\n")}

A relay given with --vs gets the same file as statsd-proxy, with the keys of its README; in W4 that file sets
mirror. Quotes keep words together; there is no shell.

The columns:
  datagrams/s      what was actually sent; "(sender)" if the sender could not keep up with the requested rate
  CPU µs/metric    microseconds of CPU time of the relay, with all threads and child processes, user and system, per
                   metric that arrived; when mirroring, per metric that was sent to all backends
  min-max          the least and the most of the repetitions: how noisy the machine was
  lost %           metrics that did not arrive at the backends
  memory MB        resident memory of the relay after the shot, in millions of bytes
  CPU ratio        with --vs: CPU per metric relative to this project's in the same run; 2.00 is twice as much
  max datagrams/s  with --max: the highest rate with at most 0.1% lost, found by doubling, then bisecting; good to 10 or
                   20% on an idle machine. "(sender)": the sender was slower than the relay

How to read them:
  Compare only what was measured in one run: ratios count, microseconds differ from machine to machine and day to day.
  Most of the cost is being woken up and calling the kernel, so the cost of a metric falls as the rate rises: a cost
  without its rate means nothing. Let the machine do nothing else meanwhile.

Examples:
  bun run bench
  bun run bench --workloads W1 --reps 5 --max
  bun run bench --vs "go-statsd-proxy -f {config}" --vs "old/statsd-proxy -f {config}"`;

const command = new Command("bench")
  .description("Measures what it costs to relay a metric: CPU time, loss and memory of statsd-proxy, on this machine.")
  .addOption(
    new Option("--workloads <names>", "comma-separated list of W1,W2,W3,W4")
      .argParser(workloadsOf)
      .default(WORKLOAD_NAMES, "all"),
  )
  .option("--reps <count>", "repetitions", wholeNumber(1, 100), 3)
  .option("--seconds <seconds>", "length of a measured shot", positive(600), 2.5)
  .option(
    "--warm <seconds>",
    "length of the same load before it; 40 for what a proxy costs that has run for a while",
    positive(600),
    1,
  )
  .option("--backends <count>", "backends", wholeNumber(1, 64), 3)
  .option("--rate <rate>", "datagrams per second (default: each workload's own)", positive(10_000_000))
  .option("--max", "also search for the highest rate with at most 0.1% lost")
  .addOption(new Option("--binary <path>", "the statsd-proxy to measure").default(BINARY, "dist/statsd-proxy"))
  .option("--vs <command>", "also measure another relay that reads the same {config}; can be repeated", vsOf)
  .option("--no-pin", "let the system choose the CPU of each process, even if taskset is available")
  .addHelpText("after", EXPLANATION);

command.parse();
const options = command.opts();
const others = options.vs ?? [];
const shown: Shown = { ratio: others.length > 0, max: options.max === true };
const folder = mkdtempSync(join(tmpdir(), "statsd-proxy-bench-"));
let interrupted = false;
process.on("SIGINT", () => interrupt(130));
process.on("SIGTERM", () => interrupt(143));
process.on("SIGHUP", () => interrupt(129));

try {
  await run();
} catch (error) {
  if (!interrupted) {
    progress("");
    process.exitCode = 1;
    if (!(error instanceof Failure)) throw error;
    console.error(`bench: ${error.message}`);
  }
} finally {
  await cleanUp();
}

async function run(): Promise<void> {
  const relays = [ourRelay(options.binary), ...others.map((text, i) => otherRelay(text, i + 1))];
  const pins = pinning(options.pin);
  for (const name of options.workloads) console.log(`${name}: ${WORKLOADS[name].what}`);
  for (const { name, words } of relays) console.log(`${name}: ${words.join(" ")}`);
  console.log(pins.text);
  if (!canMeasure) console.log("CPU time and memory are not measured: that needs Linux's /proc with schedstat.");
  console.log(`\n${reportHeader(shown)}`);
  for (const workload of options.workloads) {
    const rows = reportRows(workload, await measure(workload, relays, pins), shown);
    progress("");
    for (const row of rows) console.log(row);
  }
}

async function measure(workload: WorkloadName, relays: readonly RelayCommand[], pins: Pinning): Promise<Measured[]> {
  const rig = await Rig.open({ workload, backendCount: options.backends, pinning: pins, folder });
  const rate = options.rate ?? WORKLOADS[workload].datagramsPerSecond;
  const shots = relays.map((): Shot[] => []);
  const highest = relays.map((): Shot | undefined => undefined);
  // The relays take turns, forward and back, so that a disturbance affects all of them.
  for (let repetition = 0; repetition < options.reps; repetition++) {
    for (const i of repetition % 2 === 0 ? relays.keys() : [...relays.keys()].reverse()) {
      progress(`${workload} ${relays[i].name}, ${repetition + 1} of ${options.reps}`);
      const session = await Session.open(relays[i], rig);
      await session.shoot(rate, options.warm);
      shots[i].push(await session.shoot(rate, options.seconds));
      await session.close();
    }
  }
  if (options.max) {
    for (const i of relays.keys()) {
      const session = await Session.open(relays[i], rig);
      const shoot = (datagramsPerSecond: number, seconds: number) => {
        progress(`${workload} ${relays[i].name}, trying ${Math.round(datagramsPerSecond)} datagrams/s`);
        return session.shoot(datagramsPerSecond, seconds);
      };
      highest[i] = await searchHighest(shoot, rate);
      await session.close();
    }
  }
  await rig.close();
  return relays.map(({ name }, i) => ({ relay: name, shots: shots[i], highest: highest[i] }));
}

async function interrupt(exitCode: number): Promise<void> {
  if (interrupted) return;
  interrupted = true;
  process.exitCode = exitCode;
  progress("");
  await cleanUp();
  process.exit(exitCode);
}

async function cleanUp(): Promise<void> {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
}

/** Progress on a terminal, in a line that the next one overwrites. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function workloadsOf(text: string): WorkloadName[] {
  const wanted = text.toUpperCase().split(",");
  const unknown = wanted.find((name) => !WORKLOAD_NAMES.some((known) => known === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no workload ${unknown}.`);
  return WORKLOAD_NAMES.filter((name) => wanted.includes(name));
}

function vsOf(text: string, before: string[] = []): string[] {
  if (!text.includes("{config}")) throw new InvalidArgumentError("It must hold {config}, for the path of the file.");
  return [...before, text];
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

function positive(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (value > 0 && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number above 0, at most ${max}.`);
  };
}
