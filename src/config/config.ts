/**
 * The configuration: from JSON5 text as written for this project, go-statsd-proxy or Etsy's proxy.js (a JavaScript
 * object literal) to one plain immutable value. All problems are found and reported together, each with its path.
 */

import * as v from "valibot";
import type { RingKind } from "../placement/placement.ts";
import { NODES_MAX } from "../placement/ring.ts";
import { hostPort } from "../text/hostPort.ts";
import { isIPv4 } from "../text/ip.ts";
import { NODE_KEYS, type nodeSchema, topSchema } from "./keys.ts";
import { listenerProblems } from "./listeners.ts";
import { checkProblems } from "./nodeCheck.ts";
import { isObject } from "./objects.ts";
import { isBinary } from "./otherForms.ts";
import type { Problem } from "./problem.ts";
import { spellKeys } from "./spelling.ts";
import { DEPTH_MAX, syntaxFault } from "./syntaxError.ts";

const addressSchema = v.object({
  host: NODE_KEYS.host.value,
  port: NODE_KEYS.port.value,
  name: NODE_KEYS.name.value,
});

export type NodeConfig = Readonly<v.InferOutput<typeof nodeSchema>> & {
  /** What the ring hashes and the console shows: its name, or else `host:port`. */
  readonly label: string;
};
export type Config = Readonly<
  Omit<
    v.InferOutput<typeof topSchema>,
    "host" | "nodes" | "ring" | "server" | "udp_version" | "forkCount" | "address_ipv6"
  >
> & { readonly host: string; readonly nodes: readonly NodeConfig[]; readonly ring: RingKind };

export interface ConfigReading {
  /** Absent if there are errors. */
  readonly config?: Config;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Assumptions about the file, one line each. Nothing is wrong with them. */
  readonly notes: readonly string[];
}

/** A reading of a file. */
export interface FileReading extends ConfigReading {
  /** Of its text; empty: it could not be read. */
  readonly hash: string;
}

const HASH_DIGITS = 12;

/** The first 48 bits of a text's SHA-256, as 12 hexadecimal digits: what tells two configurations apart. */
export function hashOf(text: string): string {
  return Bun.SHA256.hash(text, "hex").slice(0, HASH_DIGITS);
}

/** The same reading by whoever allows no warnings: each is an error. */
export function strictly<Reading extends ConfigReading>(reading: Reading): Reading {
  const { errors, warnings } = reading;
  if (warnings.length === 0) return reading;
  return { ...reading, config: undefined, errors: [...errors, ...warnings], warnings: [] };
}

/** The same configuration as a file would say it. */
export function printedConfig({ nodes, ...config }: Config): object {
  return { ...config, nodes: nodes.map(({ label, ...node }) => node) };
}

/** Reads the text of a configuration file. */
export function readConfig(text: string): ConfigReading {
  const { value: parsed, problem } = parse(text);
  if (problem !== undefined) return { errors: [problem], warnings: [], notes: [] };

  const spelled = spellKeys(parsed);
  const { warnings } = spelled;
  const nodesIn = rawNodes(spelled.value);
  const result = v.safeParse(topSchema, spelled.value);
  const errors = [
    ...spelled.errors,
    ...(result.issues ?? []).map((issue) => ({ at: pathOf(issue), message: issue.message })),
    ...equalNodes(nodesIn),
    ...namedDiscoveries(nodesIn),
    ...nodesIn.flatMap((node, i) => checkProblems(node, `nodes[${i}]`)),
  ];
  if (!result.success || errors.length > 0) return { errors, warnings, notes: [] };
  const { server, udp_version, forkCount = 0, address_ipv6, ...kept } = result.output;
  const nodes = kept.nodes.map((node) => ({ ...node, label: labelOf(node) }));
  const host = listenHost(kept.host, address_ipv6 || udp_version === "udp6");
  if (host === undefined) {
    const message = `${kept.host} is an IPv4 address, but the file asks for IPv6`;
    return { errors: [{ at: "host", message }], warnings, notes: [] };
  }
  const clashes = listenerProblems(kept);
  if (clashes.length > 0) return { errors: clashes, warnings, notes: [] };
  const defaultsToEtsyRing = spelled.isEtsy && kept.ring === undefined && !kept.mirror;
  const ring = kept.ring ?? (spelled.isEtsy ? "etsy" : "farmhash");
  return {
    config: { ...kept, nodes, host, ring },
    errors,
    warnings: defaultsToEtsyRing ? [...warnings, ...etsyDifferences(nodes)] : warnings,
    notes: [
      ...(defaultsToEtsyRing ? ["ring etsy, because the file uses Etsy's keys; set ring to override it"] : []),
      ...(forkCount === "auto" || forkCount > 1
        ? [`forkCount ${forkCount} has no effect here: one process does all the work`]
        : []),
    ],
  };
}

/** The object in the text, or why there is none. */
function parse(text: string): { value?: unknown; problem?: Problem } {
  const none = (message: string, excerpt?: readonly string[]) => ({
    problem: { at: "", message, ...(excerpt && { excerpt }) },
  });
  if (text.trim() === "") return none("the file is empty");
  if (isBinary(text)) return none("this is a binary file, not a configuration");
  try {
    const value = Bun.JSON5.parse(text);
    if (isDeeperThan(DEPTH_MAX, value)) return none(`expected at most ${DEPTH_MAX} nested brackets`);
    return isObject(value) ? { value } : none("expected an object, { nodes: [...] }");
  } catch (error) {
    const { message, excerpt } = syntaxFault(text) ?? { message: (error as Error).message };
    return none(`not JSON: ${message}`, excerpt);
  }
}

/** JSON.stringify (Bun 1.4.5), which messages use, takes seconds for 30,000 levels: too long while metrics arrive. */
function isDeeperThan(depthMax: number, value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const containers = level.filter((value) => typeof value === "object" && value !== null);
    if (containers.length > 0 && depth === depthMax) return true;
    level = containers.flatMap((container) => Object.values(container as object));
  }
  return false;
}

/** Settings that send names elsewhere than Etsy's proxy does with the same file: it ignores names and weights. */
function etsyDifferences(nodes: readonly NodeConfig[]): Problem[] {
  const movesNames = "Etsy's proxy ignores it, so some names have other owners there";
  const named = nodes.findIndex(({ name, host, port }) => name !== undefined && name !== hostPort(host, port));
  const weighted = nodes.findIndex(({ weight }) => weight !== nodes[0].weight);
  return [
    ...(named < 0 ? [] : [{ at: `nodes[${named}].name`, message: movesNames }]),
    ...(weighted < 0 ? [] : [{ at: `nodes[${weighted}].weight`, message: movesNames }]),
  ];
}

/** The address to listen on; undefined: it belongs to the other family. */
function listenHost(host: string | undefined, ipv6: boolean): string | undefined {
  if (!ipv6) return host ?? "0.0.0.0";
  if (host === undefined || host === "0.0.0.0") return "::";
  return isIPv4(host) ? undefined : host;
}

/** As they are in the file, so that what is wrong with several of them is reported together with other problems. */
function rawNodes(file: unknown): readonly unknown[] {
  return isObject(file) && Array.isArray(file.nodes) && file.nodes.length <= NODES_MAX ? file.nodes : [];
}

function equalNodes(nodes: readonly unknown[]): Problem[] {
  const problems: Problem[] = [];
  const byLabel = new Map<string, number>();
  const byAddress = new Map<string, number>();
  for (const [i, node] of nodes.entries()) {
    const { success, output } = v.safeParse(addressSchema, node);
    if (!success) continue;
    const label = labelOf(output);
    const address = hostPort(output.host, output.port);
    const twin = Math.min(byLabel.get(label) ?? i, byAddress.get(address) ?? i);
    if (twin < i) problems.push({ at: `nodes[${i}]`, message: `the same node as nodes[${twin}] (${label})` });
    if (!byLabel.has(label)) byLabel.set(label, i);
    if (!byAddress.has(address)) byAddress.set(address, i);
  }
  return problems;
}

/** The nodes behind a name are told apart by their addresses. */
function namedDiscoveries(nodes: readonly unknown[]): Problem[] {
  return nodes.flatMap((node, i) => {
    const isNamed = isObject(node) && node.discover === true && node.name !== undefined;
    const message = "discovered nodes are named by their addresses; remove name, or discover";
    return isNamed ? [{ at: `nodes[${i}].name`, message }] : [];
  });
}

function labelOf({ name, host, port }: { name?: string | undefined; host: string; port: number }): string {
  return name ?? hostPort(host, port);
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  let path = "";
  for (const { key } of issue.path ?? []) path += typeof key === "number" ? `[${key}]` : `${path && "."}${String(key)}`;
  return path;
}
