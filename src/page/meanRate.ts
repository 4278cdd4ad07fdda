/** Means of rates whose samples are not equally far apart: a proxy that was halted has one for all that time. */

/**
 * Of the last `samples`; each rate is of the time since the sample before.
 * @param timesSeconds when each was taken
 */
export function meanRate(timesSeconds: readonly number[], rates: readonly number[], samples = rates.length): number {
  let amount = 0;
  let seconds = 0;
  for (let i = Math.max(0, rates.length - samples); i < rates.length; i++) {
    // The samples are a second apart.
    const took = i === 0 ? 1 : timesSeconds[i] - timesSeconds[i - 1];
    amount += rates[i] * took;
    seconds += took;
  }
  return seconds === 0 ? 0 : amount / seconds;
}
