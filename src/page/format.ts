/** Formats figures for people. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A rate or a count, with about three digits. */
export function numberText(value: number): string {
  if (value >= 100_000) return COMPACT.format(value);
  if (value >= 10 || Number.isInteger(value)) return WHOLE.format(value);
  return value > 0 && value < 0.1 ? "< 0.1" : TENTHS.format(value);
}

/** A count, with all digits unless there are many. */
export function countText(value: number): string {
  return value >= 10_000_000 ? COMPACT.format(value) : WHOLE.format(value);
}

/** The two largest units of a duration. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

export function millisecondsText(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${WHOLE.format(ms)} ms`;
}

/** Time of day, UTC as in the log and the verdict; with the date unless it is today. */
export function clockText(ms: number, nowMs: number): string {
  const time = new Date(ms);
  const clock = `${time.toLocaleTimeString("en-GB", { timeZone: "UTC" })} UTC`;
  const dayOf = (ms: number) => Math.floor(ms / 86_400_000);
  if (dayOf(ms) === dayOf(nowMs)) return clock;
  return `${time.toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "short" })} ${clock}`;
}
