/**
 * The configuration: JSON5 text of this project, of go-statsd-proxy, or of Etsy's proxy.js (a JavaScript object
 * literal), to one plain immutable value. Every problem is found and reported with its path, all at once.
 */
import { isIPv4, isIPv6 } from "node:net";
import * as v from "valibot";
import { RING_KINDS, type RingKind } from "../placement/placement.ts";
import { NODES_MAX } from "../placement/ring.ts";
import { ANY_TYPE, EVENT_TYPE, SERVICE_CHECK_TYPE, TYPE_BYTES_MAX } from "../protocol/line.ts";
import { isObject, type Problem, spellKeys } from "./keys.ts";
import { syntaxProblem } from "./syntaxError.ts";

const FAILOVERS = ["rehash", "hold"] as const;

const DATAGRAM_BYTES_MAX = 65507;
/** As DNS has it. */
const HOST_LENGTH_MAX = 253;
const HOST = "expected a host name or an IP address";

const host = v.pipe(v.string(expected(HOST)), v.check(isHost, expected(HOST)));
const port = portNumber(1, "a port, ");
const flag = v.boolean(expected("expected true or false"));
const LABEL = "expected 1 to 255 printable characters without spaces, and not * or -";
/** To operators * is every node and - none. */
const label = v.pipe(v.string(expected(LABEL)), v.regex(/^(?![*-]$)[^\s\p{C}]{1,255}$/u, expected(LABEL)));

const nodeSchema = v.object(
  {
    host,
    port,
    managementport: v.optional(portNumber(0, "a port, or 0 for no checks, "), 0),
    name: v.optional(label),
    weight: v.optional(wholeNumber(1, 100), 1),
  },
  entryOf("{ host: ..., port: ... }"),
);

const PREFIX = "expected words of letters, digits, _ and -, joined by dots";
const selfMetricsSchema = v.object(
  {
    prefix: v.optional(
      v.pipe(v.string(expected(PREFIX)), v.regex(/^(?=.{1,200}$)[\w-]+(\.[\w-]+)*$/, expected(PREFIX))),
      "statsd_proxy",
    ),
    interval: v.optional(wholeNumber(100, 86_400_000, "milliseconds, "), 10_000),
  },
  entryOf('{ prefix: "statsd_proxy", interval: 10000 }'),
);

const NODES = "expected a list of at least one node";
const TYPES = `expected a list of types of 1 to ${TYPE_BYTES_MAX} bytes, or "*"`;
const TYPES_MAX = 1000;
const typeName = v.pipe(v.string(expected(TYPES)), v.regex(/^[\x21-\x39\x3b-\x7b\x7d\x7e]{1,4}$/, expected(TYPES)));

const schema = v.object(
  {
    host: v.optional(host),
    port: v.optional(port, 8125),
    address_ipv6: v.optional(flag, false),
    managementhost: v.optional(host, "127.0.0.1"),
    managementport: v.optional(port, 8126),
    httphost: v.optional(host, "127.0.0.1"),
    httpport: v.optional(portNumber(0, "a port, or 0 for no HTTP, "), 0),
    // A list that is too long is not looked into.
    nodes: v.pipe(
      v.array(v.unknown(), expected(NODES)),
      v.minLength(1, NODES),
      v.maxLength(NODES_MAX, `at most ${NODES_MAX} nodes`),
      v.array(nodeSchema),
    ),
    checkInterval: v.optional(wholeNumber(10, 86_400_000, "milliseconds, "), 1000),
    fall: v.optional(wholeNumber(1, 1000), 2),
    rise: v.optional(wholeNumber(1, 1000), 1),
    mirror: v.optional(flag, false),
    ring: v.optional(oneOf(RING_KINDS)),
    failover: v.optional(oneOf(FAILOVERS), "rehash"),
    cacheSize: v.optional(wholeNumber(0, 10_000_000), 65536),
    types: v.optional(
      v.pipe(
        v.union(
          [
            v.pipe(
              v.literal(ANY_TYPE),
              v.transform((any): string[] => [any]),
            ),
            v.pipe(v.array(v.unknown()), v.maxLength(TYPES_MAX, `at most ${TYPES_MAX} types`), v.array(typeName)),
          ],
          expected(TYPES),
        ),
        v.minLength(1, TYPES),
      ),
      ["c", "g", "ms", "h", "s", "d", EVENT_TYPE, SERVICE_CHECK_TYPE],
    ),
    maxDatagramBytes: v.optional(wholeNumber(0, DATAGRAM_BYTES_MAX, "bytes, "), 1432),
    gather: v.optional(wholeNumber(0, 100, "milliseconds, "), 10),
    receiveBuffer: v.optional(wholeNumber(4096, 2 ** 30, "bytes, "), 4_194_304),
    selfMetrics: v.optional(selfMetricsSchema),
    server: v.optional(
      v.picklist(["./servers/udp"], expected("only './servers/udp' is served: metrics arrive over UDP")),
    ),
    udp_version: v.optional(oneOf(["udp4", "udp6"])),
    forkCount: v.optional(v.custom<number | "auto">(isForkCount, expected('expected "auto" or a whole number'))),
  },
  entryOf("{ nodes: [...] }"),
);

const addressSchema = v.object({ host, port, name: v.optional(label) });

export type NodeConfig = Readonly<v.InferOutput<typeof nodeSchema>> & {
  /** What the ring hashes and the console calls it: its name, else `host:port`. */
  readonly label: string;
};
export type Config = Readonly<
  Omit<
    v.InferOutput<typeof schema>,
    "host" | "nodes" | "ring" | "server" | "udp_version" | "forkCount" | "address_ipv6"
  >
> & { readonly host: string; readonly nodes: readonly NodeConfig[]; readonly ring: RingKind };

export interface ConfigReading {
  /** Absent if there is an error. */
  readonly config?: Config;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** What was made of the file that it does not say itself, a line each. Nothing is wrong with it. */
  readonly notes: readonly string[];
}

/** Reads the text of a configuration file. */
export function readConfig(text: string): ConfigReading {
  const { value: parsed, problem } = parse(text);
  if (problem !== undefined) return { errors: [{ at: "", message: problem }], warnings: [], notes: [] };

  const spelled = spellKeys(parsed);
  const { warnings } = spelled;
  const result = v.safeParse(schema, spelled.value);
  const errors = [
    ...spelled.errors,
    ...(result.issues ?? []).map((issue) => ({ at: pathOf(issue), message: issue.message })),
    ...equalNodes(spelled.value),
  ];
  if (!result.success || errors.length > 0) return { errors, warnings, notes: [] };
  const { server, udp_version, forkCount = 0, address_ipv6, ...kept } = result.output;
  const nodes = kept.nodes.map((node) => ({ ...node, label: labelOf(node) }));
  const host = listenHost(kept.host, address_ipv6 || udp_version === "udp6");
  if (host === undefined) {
    const message = `${kept.host} is IPv4, but IPv6 is asked for`;
    return { errors: [{ at: "host", message }], warnings, notes: [] };
  }
  const isPlacedAsEtsys = spelled.isEtsys && kept.ring === undefined && !kept.mirror;
  const ring = kept.ring ?? (spelled.isEtsys ? "etsy" : "farmhash");
  return {
    config: { ...kept, nodes, host, ring },
    errors,
    warnings: isPlacedAsEtsys ? [...warnings, ...movedNames(nodes)] : warnings,
    notes: [
      ...(isPlacedAsEtsys ? ["ring etsy, because the file is Etsy's; set ring to change it"] : []),
      ...(forkCount === "auto" || forkCount > 1 ? [`forkCount ${forkCount}: one process does the work here`] : []),
    ],
  };
}

/** The object that the text says, or why it says none. */
function parse(text: string): { value?: unknown; problem?: string } {
  if (text.trim() === "") return { problem: "the file is empty" };
  try {
    const value = Bun.JSON5.parse(text);
    return isObject(value) ? { value } : { problem: "expected an object, { nodes: [...] }" };
  } catch (error) {
    return { problem: `not JSON: ${syntaxProblem(text) ?? (error as Error).message}` };
  }
}

/** What sends names elsewhere than Etsy's proxy does with the same file: it knows neither names nor weights. */
function movedNames(nodes: readonly NodeConfig[]): Problem[] {
  const movesNames = "it counts here, but not in Etsy's proxy: names have other owners than there";
  const named = nodes.findIndex(({ name, host, port }) => name !== undefined && name !== hostPort(host, port));
  const weighted = nodes.findIndex(({ weight }) => weight !== nodes[0].weight);
  return [
    ...(named < 0 ? [] : [{ at: `nodes[${named}].name`, message: movesNames }]),
    ...(weighted < 0 ? [] : [{ at: `nodes[${weighted}].weight`, message: movesNames }]),
  ];
}

/** Where to listen; undefined: the address is of the other family. */
function listenHost(host: string | undefined, ipv6: boolean): string | undefined {
  if (!ipv6) return host ?? "0.0.0.0";
  if (host === undefined || host === "0.0.0.0") return "::";
  return isIPv4(host) ? undefined : host;
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** One line for a problem. */
export function problemText({ at, message }: Problem): string {
  return at === "" ? message : `${at}: ${message}`;
}

/** Of the file as it is written, so that it is told together with what else is wrong. */
function equalNodes(file: unknown): Problem[] {
  if (!isObject(file) || !Array.isArray(file.nodes) || file.nodes.length > NODES_MAX) return [];
  const problems: Problem[] = [];
  const byLabel = new Map<string, number>();
  const byAddress = new Map<string, number>();
  for (const [i, node] of file.nodes.entries()) {
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

function labelOf({ name, host, port }: { name?: string | undefined; host: string; port: number }): string {
  return name ?? hostPort(host, port);
}

function isHost(text: string): boolean {
  if (text.length > HOST_LENGTH_MAX) return false;
  return /^[A-Za-z0-9._-]+$/.test(text) || isIPv6(text);
}

/** Also in quotes: the example of Etsy's proxy 0.7 has one so. */
function portNumber(min: 0 | 1, what: string) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === "string" && /^[1-9]\d{0,4}$/.test(value) ? Number(value) : value)),
    wholeNumber(min, 65535, what),
  );
}

function isForkCount(value: unknown): boolean {
  return value === "auto" || (typeof value === "number" && Number.isInteger(value) && value >= 0);
}

function wholeNumber(min: number, max: number, what = "") {
  const range = `expected ${what}a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(expected(range)),
    v.check((value) => Number.isInteger(value) && value >= min && value <= max, expected(range)),
  );
}

function oneOf<const Options extends readonly string[]>(options: Options) {
  return v.picklist(options, expected(`expected one of ${options.join(", ")}`));
}

/** Message of an object: of a value that is none, or of an entry that is not there. */
function entryOf(form: string) {
  return ({ input, expected: wanted }: { input: unknown; expected: string | null }) =>
    wanted === "Object" ? withInput(`expected an object, ${form}`, input) : "required, but it is missing";
}

/** Message of a check, with what was found instead. */
function expected(message: string) {
  return (issue: { input: unknown }) => withInput(message, issue.input);
}

function withInput(message: string, input: unknown): string {
  const shown = typeof input === "number" ? String(input) : JSON.stringify(input);
  return `${message}, not ${shown.length > 60 ? `${shown.slice(0, 60)}...` : shown}`;
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  let path = "";
  for (const { key } of issue.path ?? []) path += typeof key === "number" ? `[${key}]` : `${path && "."}${String(key)}`;
  return path;
}
