/** Many runs of the simulation, one after the other, and what came of them together. */
import { type Outcome, prepareSimulation, simulate } from "./simulation.ts";

export interface CampaignParts {
  /** Of the first run; each next one is one more. */
  readonly seed: number;
  /** It ends after so many runs, or after so long, or at the first violation. */
  readonly runsMax?: number;
  readonly msMax?: number;
  /** Told after each run. */
  readonly onRun?: (campaign: Campaign) => void;
}

export interface Campaign {
  runs: number;
  /** Turns of the event loop, each followed by a look at everything. */
  turns: number;
  simulatedMs: number;
  /** Lines that applications sent, and those that the proxy read: each of these has its place. */
  linesSent: number;
  linesAccounted: number;
  /** Changes of the configuration that went well. */
  changes: number;
  /** Nodes taken out, and taken back. */
  nodeChanges: number;
  /** Operators' words about nodes that changed something. */
  words: number;
  readonly faults: Map<string, number>;
  failed: Outcome | undefined;
}

export async function runCampaign({ seed, runsMax, msMax, onRun }: CampaignParts): Promise<Campaign> {
  await prepareSimulation();
  const campaign: Campaign = {
    ...{ runs: 0, turns: 0, simulatedMs: 0, linesSent: 0, linesAccounted: 0, changes: 0, nodeChanges: 0, words: 0 },
    faults: new Map(),
    failed: undefined,
  };
  const untilMs = performance.now() + (msMax ?? Number.POSITIVE_INFINITY);
  while (campaign.runs < (runsMax ?? Number.POSITIVE_INFINITY) && performance.now() < untilMs) {
    const outcome = simulate(seed + campaign.runs);
    await memoryIsBack();
    campaign.runs++;
    campaign.turns += outcome.turns;
    campaign.simulatedMs += outcome.simulatedMs;
    campaign.linesSent += outcome.linesSent;
    campaign.linesAccounted += outcome.linesAccounted;
    campaign.changes += outcome.changes;
    campaign.nodeChanges += outcome.nodeChanges;
    campaign.words += outcome.words;
    for (const [kind, count] of outcome.faults) campaign.faults.set(kind, (campaign.faults.get(kind) ?? 0) + count);
    if (outcome.violation !== undefined) {
      campaign.failed = outcome;
      break;
    }
    onRun?.(campaign);
  }
  return campaign;
}

/** What the run took of the core's memory is given back in the next round of the event loop, once it is collected. */
export function memoryIsBack(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** What is to be known of a run that failed, with how to see it again. */
export function failureText({ seed, violation, events, turns }: Outcome): string {
  const replay = `bun scripts/simulate.ts --seed ${seed} --runs 1`;
  return [...events, "", `seed ${seed}, turn ${turns}: ${violation}`, `again: ${replay}`].join("\n");
}

export function campaignText(campaign: Campaign): string {
  const { runs, turns, simulatedMs, linesSent, linesAccounted, changes, nodeChanges, words, faults } = campaign;
  const kinds = [...faults].sort().map(([kind, count]) => `${kind} ${count}`);
  return [
    `${runs} runs, ${turns} turns, ${(simulatedMs / 60_000).toFixed(0)} simulated minutes`,
    `${linesSent} lines sent, ${linesAccounted} read and accounted for`,
    `${changes} changes of the configuration, ${nodeChanges} of nodes' states, ${words} words of operators`,
    `faults: ${kinds.join(", ")}`,
  ].join("\n");
}
