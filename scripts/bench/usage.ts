/** What a process and its children use, according to Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** CPU time in nanoseconds, user and system, of each thread ("pid/tid"). */
export type CpuTimes = ReadonlyMap<string, number>;

/** Whether this machine can tell: it has a /proc with CPU times in nanoseconds. */
export const canMeasure = cpuNsOf("/proc/self/schedstat") > 0;

/** CPU times so far of all threads of a process and its descendants. */
export function cpuTimes(pid: number): CpuTimes {
  const times = new Map<string, number>();
  for (const member of processTree(pid)) {
    for (const thread of threads(member)) {
      times.set(`${member}/${thread}`, cpuNsOf(`/proc/${member}/task/${thread}/schedstat`));
    }
  }
  return times;
}

/** Nanoseconds between two readings. Per thread, so that one that ended in between does not reduce the sum. */
export function cpuNsBetween(before: CpuTimes, after: CpuTimes): number {
  let sum = 0;
  for (const [thread, ns] of after) sum += ns - (before.get(thread) ?? 0);
  return sum;
}

/** Resident memory of a process and its descendants. */
export function residentBytes(pid: number): number {
  const kibibytes = (member: number) => Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${member}/status`))?.[1] ?? 0);
  return processTree(pid).reduce((sum, member) => sum + kibibytes(member) * 1024, 0);
}

/** A process and its descendants; without /proc, only the process. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (const member of tree) for (const thread of threads(member)) tree.push(...childrenOf(member, thread));
  return tree;
}

/** When a process started, in ticks since boot; together with its pid this is unique. 0: it is gone. */
export function startedAtTicks(pid: number): number {
  // The second field is the program's name in parentheses, which may contain anything.
  const [, afterName = ""] = /.*\) (.*)/s.exec(read(`/proc/${pid}/stat`)) ?? [];
  return Number(afterName.split(" ")[19] ?? 0);
}

function childrenOf(pid: number, thread: string): number[] {
  return read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number);
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function cpuNsOf(file: string): number {
  return Number(read(file).split(" ")[0]);
}

/** A file's text; empty if it is gone. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
