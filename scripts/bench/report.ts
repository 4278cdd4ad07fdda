/** From shots to printed results. */
import type { Shot } from "./session.ts";
import { type Column, headerText, rowText } from "./table.ts";
import type { WorkloadName } from "./workloads.ts";

/** Everything measured of one relay under one workload. */
export interface Measured {
  readonly relay: string;
  /** One per repetition, at the workload's rate. */
  readonly shots: readonly Shot[];
  /** At the highest rate; undefined: it carried none, or was not asked to. */
  readonly highest: Shot | undefined;
}

export interface Shown {
  readonly ratio: boolean;
  readonly max: boolean;
}

export function reportHeader(shown: Shown): string {
  return headerText(columnsOf(shown));
}

/** The rows of a workload, one per relay; ratios are relative to the first. */
export function reportRows(workload: WorkloadName, all: readonly Measured[], shown: Shown): string[] {
  const [first] = all;
  return all.map((measured) => {
    const { relay, shots, highest } = measured;
    const cpu = definedOf(shots.map(({ cpuUsPerMetric }) => cpuUsPerMetric));
    const resident = median(shots.map(({ residentBytes }) => residentBytes));
    const cells = [
      workload,
      relay,
      rateText(median(shots.map(({ datagramsPerSecond }) => datagramsPerSecond)), shots.some(isSenderBound)),
      numberText(median(cpu), 2),
      cpu.length === 0 ? "-" : `${Math.min(...cpu).toFixed(2)}-${Math.max(...cpu).toFixed(2)}`,
      numberText(percentOf(median(shots.map(({ lost }) => lost))), 2),
      numberText(resident && resident / 1e6, 1),
    ];
    if (shown.ratio) cells.push(numberText(ratioOf(measured, first), 2));
    if (shown.max) cells.push(highest ? rateText(highest.datagramsPerSecond, highest.senderBound) : "none");
    return rowText(columnsOf(shown), cells);
  });
}

function columnsOf({ ratio, max }: Shown): Column[] {
  const columns: Column[] = [
    { title: "workload", width: 0, align: "left" },
    { title: "relay", width: 12, align: "left" },
    { title: "datagrams/s", width: 16, align: "right" },
    { title: "CPU µs/metric", width: 0, align: "right" },
    { title: "min-max", width: 13, align: "right" },
    { title: "lost %", width: 0, align: "right" },
    { title: "memory MB", width: 0, align: "right" },
  ];
  if (ratio) columns.push({ title: "CPU ratio", width: 0, align: "right" });
  if (max) columns.push({ title: "max datagrams/s", width: 16, align: "right" });
  return columns;
}

function ratioOf(measured: Measured, first: Measured): number | undefined {
  const cpuOf = ({ shots }: Measured) => median(shots.map(({ cpuUsPerMetric }) => cpuUsPerMetric));
  const own = cpuOf(measured);
  const firstOwn = cpuOf(first);
  return own !== undefined && firstOwn !== undefined ? own / firstOwn : undefined;
}

function isSenderBound({ senderBound }: Shot): boolean {
  return senderBound;
}

function percentOf(part: number | undefined): number | undefined {
  return part === undefined ? undefined : 100 * part;
}

/** Of the known ones; undefined: there are none. */
function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = definedOf(values).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)];
  return sorted.length === 0 ? undefined : (sorted[middle - 1] + sorted[middle]) / 2;
}

function definedOf(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}

function numberText(value: number | undefined, digits: number): string {
  return value === undefined ? "-" : value.toFixed(digits);
}

function rateText(perSecond: number | undefined, senderBound: boolean): string {
  if (perSecond === undefined) return "-";
  return `${Math.round(perSecond).toLocaleString("en")}${senderBound ? " (sender)" : ""}`;
}
