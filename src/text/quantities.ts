/** Figures and times in sentences, the same on every machine: no locale, and UTC. */

/** `1,546` */
export function wholeText(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 line`, `1,364 lines` */
export function counted(amount: number, one: string, many = `${one}s`): string {
  return `${wholeText(amount)} ${amount === 1 ? one : many}`;
}

/** A share from 0 to 1: `24%`, `0.4%`. */
export function percentText(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.1) return "<0.1%";
  return `${percent >= 9.95 ? Math.round(percent) : Number(percent.toFixed(1))}%`;
}

/** A share of the names from 0 to 1, with one decimal, so that shares line up and add up: `24.0%`, `0.4%`. */
export function shareText(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

/** How much such a share has changed: `+8.1%`, `-17.1%`. */
export function shareChangeText(change: number): string {
  return `${change < 0 ? "-" : "+"}${shareText(Math.abs(change))}`;
}

/** `208 KiB` */
export function sizeText(bytes: number): string {
  return bytes < 8 * 2 ** 20 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}

export function durationWords(seconds: number): string {
  return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/** A short time: `0.12 ms`, `10.4 ms`, `1.2 s`. */
export function millisecondsWords(seconds: number): string {
  const ms = 1000 * seconds;
  if (ms >= 1000) return durationWords(seconds);
  return `${ms < 0.995 ? ms.toFixed(2) : ms < 99.95 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** `23:34:10 UTC`, with the date if it is not within the last day. */
export function timeText(ms: number, nowMs: number): string {
  const iso = new Date(ms).toISOString();
  const clock = `${iso.slice(11, 19)} UTC`;
  return Math.abs(nowMs - ms) < 86_400_000 ? clock : `${iso.slice(0, 10)} ${clock}`;
}
