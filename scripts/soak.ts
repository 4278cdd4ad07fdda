/**
 * Looks for what does not add up, for as long as it is told: in rounds of fuzzing, of the simulation, and of real
 * processes under load to which things happen. The first thing that it finds ends it, with the seed that it takes to see
 * that again.
 */
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { fuzzFor } from "../test/fuzz/fuzzer.ts";
import { FUZZERS } from "../test/fuzz/fuzzers.ts";
import { Chance } from "./soak/chance.ts";
import { Report } from "./soak/report.ts";
import { phasesOf, Scene } from "./soak/scene.ts";
import { runSimulation } from "./soak/simulation.ts";

const FUZZ_SECONDS = 20;
const SIMULATION_SECONDS = 20;
const SAMPLE_MS = 2000;
const SEEDS = 2 ** 31;
/** From a round's seed to the next one's: a round simulates some hundred seeds, and no two rounds the same ones. */
const SEED_STEP = 1_000_000;

const command = new Command("soak")
  .description(
    "Fuzzing, simulation and real processes with faults, by turns; exit code 1 at the first thing that is wrong.",
  )
  .argument("[minutes]", "how long; the round that has begun by then is ended", minutesOf, 5)
  .option(
    "--seed <number>",
    "of the first round; each next one is a million more",
    Number,
    Math.floor(Math.random() * SEEDS),
  )
  .showHelpAfterError("(see --help)")
  .parse();

const ends: (() => void | Promise<void>)[] = [];
const report = new Report();
let doing = "starting";
const failure = await soak(command.processedArgs[0], command.opts().seed).catch((error) => error as Error);
for (const end of ends.reverse()) await end();
console.log(`\n${report.text()}\n`);
if (failure !== undefined) console.log(`FAILED, ${doing}:\n${failure.message}`);
else console.log("All adds up.");
process.exit(failure === undefined ? 0 : 1);

async function soak(minutes: number, firstSeed: number): Promise<undefined> {
  const beganMs = performance.now();
  const endMs = beganMs + 60_000 * minutes;
  console.log(`soaking for ${minutes} minutes from seed ${firstSeed} on`);
  const scene = await Scene.start((end) => void ends.push(end));
  const sample = () => void report.samples.push(scene.sample(performance.now() - beganMs));
  const sampling = setInterval(sample, SAMPLE_MS);
  ends.push(() => clearInterval(sampling));
  for (let seed = firstSeed; performance.now() < endMs; seed += SEED_STEP) {
    await round(scene, seed);
    report.rounds++;
    const { fuzzCases, simulationRuns, phases, real, samples } = report;
    const { residentBytes, openFiles } = samples.at(-1) ?? scene.sample(0);
    console.log(
      `${((performance.now() - beganMs) / 60_000).toFixed(1)} min  round ${report.rounds}, seed ${seed}: ` +
        `${fuzzCases} cases, ${simulationRuns} simulations, ${phases} phases, ${real.sent} lines, ` +
        `${(residentBytes / 1e6).toFixed()} MB, ${openFiles} descriptors`,
    );
  }
  doing = "ending";
  clearInterval(sampling);
  await scene.end();
  return undefined;
}

async function round(scene: Scene, seed: number): Promise<void> {
  doing = `fuzzing from seed ${seed} on`;
  const fuzzed = { cases: 0 };
  await fuzzFor(FUZZERS, 1000 * FUZZ_SECONDS, seed, fuzzed).finally(() => {
    report.fuzzCases += fuzzed.cases;
  });

  doing = `simulating from seed ${seed} on`;
  const simulated = await runSimulation(SIMULATION_SECONDS / 60, seed);
  report.simulationRuns += simulated.runs;
  report.simulationSteps += simulated.steps;
  report.simulated.sent += simulated.linesSent;
  report.simulated.accounted += simulated.linesAccounted;
  for (const [kind, count] of simulated.faults) report.fault(kind, "simulated", count);
  if (simulated.failure !== undefined) throw new Error(simulated.failure);

  const chance = new Chance(seed);
  for (const phase of phasesOf(chance)) {
    const { datagramsPerSecond, linesPerDatagram } = phase.load;
    doing = `seed ${seed}, phase "${phase.fault}" at ${datagramsPerSecond} datagrams/s of ${linesPerDatagram} lines`;
    const { sent, accounted } = await scene.play(phase, chance).catch((error) => {
      throw new Error(`${error.message}\nThe proxy's log ends with:\n${scene.cluster.lastLines()}`);
    });
    report.phases++;
    report.real.sent += sent;
    report.real.accounted += accounted;
    report.fault(phase.fault, "real");
    if (sent !== accounted) throw new Error(`${sent} lines were sent, and ${accounted} are accounted for`);
  }
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError("expected a number of minutes");
  return minutes;
}
