/** How a node is checked. */
import { hostPort } from "../text/hostPort.ts";
import { isObject } from "./objects.ts";
import type { Problem } from "./problem.ts";

export const CHECK_TYPES = ["statsd", "tcp", "http"] as const;

export interface CheckConfig {
  readonly type: (typeof CHECK_TYPES)[number];
  readonly port: number;
  /** Of an HTTP check. */
  readonly path?: string | undefined;
  /** What the answer must contain. */
  readonly expect?: string | undefined;
}

export interface Checkable {
  readonly managementport: number;
  readonly check?: CheckConfig | undefined;
}

/** Undefined: it has no check, and is judged by what its host refuses. */
export function checkOf({ managementport, check }: Checkable): CheckConfig | undefined {
  return check ?? (managementport === 0 ? undefined : { type: "statsd", port: managementport });
}

/** For people: `statsd at port 8126`, `http at port 8080, path /health`, or `refusals`. */
export function checkText(node: Checkable): string {
  const check = checkOf(node);
  if (check === undefined) return "refusals";
  return `${check.type} at port ${check.port}${check.type === "http" ? `, path ${check.path ?? "/"}` : ""}`;
}

/** Which check failed, and how, for people. Where there is none, a failure says all: `nobody listens at ...`. */
export function failedCheckText(node: Checkable, failure: string): string {
  return checkOf(node) === undefined ? failure : `check ${checkText(node)}: ${failure}`;
}

/** What is wrong with a check's keys together. Works on the raw node. @param at the node's path */
export function checkProblems(node: unknown, at: string): Problem[] {
  if (!isObject(node) || !isObject(node.check)) return [];
  const { type, port, path, expect } = node.check;
  const problems: Problem[] = [];
  const useless = (key: string) => problems.push({ at: `${at}.check.${key}`, message: `has no meaning for ${type}` });
  if (path !== undefined && (type === "statsd" || type === "tcp")) useless("path");
  if (expect !== undefined && type === "tcp") useless("expect");
  const { managementport } = node;
  const differs = type !== "statsd" || Number(managementport) !== Number(port);
  if (managementport !== undefined && Number(managementport) !== 0 && differs) {
    problems.push({ at: `${at}.check`, message: "managementport is a check already; keep one of the two" });
  }
  return problems;
}

/** For a failed check: what answered. */
export function refusedText(host: string, port: number): string {
  return `nobody listens at ${hostPort(host, port)}`;
}
