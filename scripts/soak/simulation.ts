/** The simulation (test/simulation), as the soak runs it. */
import { failureText, runCampaign } from "../../test/simulation/campaign.ts";

/** What came of it. */
export interface Simulated {
  readonly runs: number;
  readonly steps: number;
  /** How often each kind happened. */
  readonly faults: ReadonlyMap<string, number>;
  readonly linesSent: number;
  readonly linesAccounted: number;
  /** What does not add up, and how to see it again. */
  readonly failure: string | undefined;
}

/** Runs it for so many minutes. */
export async function runSimulation(minutes: number, seed: number): Promise<Simulated> {
  const { turns, failed, ...sums } = await runCampaign({ seed, msMax: 60_000 * minutes });
  return { ...sums, steps: turns, failure: failed && failureText(failed) };
}
