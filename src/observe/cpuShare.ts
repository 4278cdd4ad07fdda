/** How much of a core the process takes. */

/** It is looked at over so many samples, one a second. */
const SAMPLES = 10;

export class CpuShare {
  private readonly samples: { readonly atSeconds: number; readonly usedSeconds: number }[] = [];

  /** Takes a sample. Returns the share of one core since ten samples ago; undefined: not known yet. */
  sample(atSeconds: number, usedSeconds: number): number | undefined {
    const { samples } = this;
    samples.push({ atSeconds, usedSeconds });
    if (samples.length > SAMPLES + 1) samples.shift();
    const [first] = samples;
    if (samples.length <= SAMPLES || atSeconds <= first.atSeconds) return undefined;
    return (usedSeconds - first.usedSeconds) / (atSeconds - first.atSeconds);
  }
}
