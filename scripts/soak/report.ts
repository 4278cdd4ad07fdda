/** What a soak has done so far, and its table. */

/** A look at the proxy. */
export interface Sample {
  readonly atMs: number;
  readonly residentBytes: number;
  readonly openFiles: number;
}

export interface LineSums {
  sent: number;
  /** Received by the proxy and in one of its counters, or counted by the kernel as dropped before. */
  accounted: number;
}

export class Report {
  rounds = 0;
  fuzzCases = 0;
  simulationRuns = 0;
  simulationSteps = 0;
  phases = 0;
  /** Of real processes, and of simulations. */
  readonly real: LineSums = { sent: 0, accounted: 0 };
  readonly simulated: LineSums = { sent: 0, accounted: 0 };
  readonly samples: Sample[] = [];
  private readonly faults = new Map<string, { real: number; simulated: number }>();

  fault(kind: string, where: "real" | "simulated", count = 1): void {
    const counts = this.faults.get(kind) ?? { real: 0, simulated: 0 };
    counts[where] += count;
    this.faults.set(kind, counts);
  }

  text(): string {
    const { real, simulated } = this;
    const faults = [...this.faults].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      ...table(
        ["", "real processes", "simulated"],
        [
          ["rounds", this.rounds, this.rounds],
          ["fuzzing: cases", this.fuzzCases, ""],
          ["simulation: runs", "", this.simulationRuns],
          ["simulation: steps", "", this.simulationSteps],
          ["phases under load", this.phases, ""],
          ["lines sent", real.sent, simulated.sent],
          ["lines accounted for", real.accounted, simulated.accounted],
          ...faults.map(([kind, counts]) => [`fault: ${kind}`, counts.real, counts.simulated]),
        ],
      ),
      "Of the simulated lines those are missing that found no open port or a full one: each run adds up the datagrams.",
      "",
      ...table(["minute", "resident MB", "descriptors"], thinned(this.samples, SAMPLES_SHOWN).map(sampleRow)),
    ].join("\n");
  }
}

const SAMPLES_SHOWN = 30;

/** The most memory and descriptors of each stretch of time: none of the peaks is left out. */
function thinned(samples: readonly Sample[], count: number): Sample[] {
  const each = Math.ceil(samples.length / count);
  return Array.from({ length: Math.ceil(samples.length / Math.max(1, each)) }, (_, i) => {
    const stretch = samples.slice(i * each, (i + 1) * each);
    return {
      atMs: stretch[0].atMs,
      residentBytes: Math.max(...stretch.map(({ residentBytes }) => residentBytes)),
      openFiles: Math.max(...stretch.map(({ openFiles }) => openFiles)),
    };
  });
}

function sampleRow({ atMs, residentBytes, openFiles }: Sample): (string | number)[] {
  return [(atMs / 60_000).toFixed(1), (residentBytes / 1e6).toFixed(1), openFiles];
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const shown = [head, ...rows.map((row) => row.map((cell) => cell.toLocaleString("en")))];
  const widths = head.map((_, i) => Math.max(...shown.map((row) => row[i].length)));
  return shown.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd(),
  );
}
