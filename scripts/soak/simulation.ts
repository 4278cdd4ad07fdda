/** The simulation (test/simulation), as the soak runs it. */
import { existsSync } from "node:fs";
import { join } from "node:path";

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

/** Of test/simulation/campaign.ts. */
interface CampaignModule {
  runCampaign(parts: { readonly seed: number; readonly msMax: number }): Promise<{
    readonly runs: number;
    readonly turns: number;
    readonly faults: ReadonlyMap<string, number>;
    readonly linesSent: number;
    readonly linesAccounted: number;
    readonly failed: object | undefined;
  }>;
  failureText(failed: object): string;
}

const CAMPAIGN = join(import.meta.dir, "..", "..", "test", "simulation", "campaign.ts");

/** Runs it for so many minutes. Undefined: there is none. */
export async function runSimulation(minutes: number, seed: number): Promise<Simulated | undefined> {
  if (!existsSync(CAMPAIGN)) return undefined;
  const { runCampaign, failureText }: CampaignModule = await import(CAMPAIGN);
  const { turns, failed, ...sums } = await runCampaign({ seed, msMax: 60_000 * minutes });
  return { ...sums, steps: turns, failure: failed && failureText(failed) };
}
