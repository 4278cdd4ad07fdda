/**
 * Every key of a configuration, defined once: its valid values, its other names, and what it takes to change it while
 * the proxy runs. The static types are derived from these tables.
 */
import * as v from "valibot";
import { RING_KINDS } from "../placement/placement.ts";
import { NODES_MAX } from "../placement/ring.ts";
import { EVENT_TYPE, SERVICE_CHECK_TYPE } from "../protocol/line.ts";
import { CHECK_TYPES } from "./nodeCheck.ts";
import {
  answerPart,
  expected,
  flag,
  host,
  label,
  objectOf,
  oneOf,
  path,
  port,
  prefix,
  processes,
  types,
  wholeNumber,
} from "./values.ts";

/**
 * What it takes to change a value:
 *
 * - `live`: takes effect on what runs
 * - `reopen`: a socket is reopened
 */
export type Change = "live" | "reopen";

interface ReadKey {
  readonly value: v.ObjectEntries[string];
  readonly change: Change;
  /** Names that only Etsy's proxy uses: a file that contains one is Etsy's. */
  readonly etsyNames?: readonly string[];
}

interface IgnoredKey {
  /** Why it has no effect here. */
  readonly ignored: string;
}

export type Keys = Readonly<Record<string, ReadKey | IgnoredKey>>;

export const CHECK_KEYS = {
  type: { value: oneOf(CHECK_TYPES), change: "reopen" },
  port: { value: port(), change: "reopen" },
  path: { value: v.optional(path), change: "reopen" },
  expect: { value: v.optional(answerPart), change: "reopen" },
} as const satisfies Keys;

const checkSchema = schemaOf(CHECK_KEYS, '{ type: "http", port: 8080, path: "/health" }');

export const NODE_KEYS = {
  host: { value: host, change: "reopen" },
  port: { value: port(), change: "reopen" },
  managementport: { value: v.optional(port("no checks"), 0), etsyNames: ["adminport"], change: "reopen" },
  check: { value: v.optional(checkSchema), change: "reopen" },
  name: { value: v.optional(label), change: "live" },
  weight: { value: v.optional(wholeNumber(1, 100), 1), change: "live" },
  discover: { value: v.optional(flag, false), change: "live" },
} as const satisfies Keys;

export const SELF_METRICS_KEYS = {
  prefix: { value: v.optional(prefix, "statsd_proxy"), change: "live" },
  interval: { value: v.optional(wholeNumber(100, 86_400_000, "milliseconds"), 10_000), change: "live" },
} as const satisfies Keys;

const NODES = "expected a list of at least one node";
const FAILOVERS = ["rehash", "hold"] as const;
const DATAGRAM_BYTES_MAX = 65507;

export const nodeSchema = schemaOf(NODE_KEYS, "{ host: ..., port: ... }");
const selfMetricsSchema = schemaOf(SELF_METRICS_KEYS, '{ prefix: "statsd_proxy", interval: 10000 }');

export const TOP_KEYS = {
  host: { value: v.optional(host), etsyNames: ["address"], change: "reopen" },
  port: { value: v.optional(port(), 8125), change: "reopen" },
  address_ipv6: { value: v.optional(flag, false), change: "reopen" },
  reusePort: { value: v.optional(flag, false), change: "live" },
  managementhost: { value: v.optional(host, "127.0.0.1"), etsyNames: ["mgmt_address"], change: "reopen" },
  managementport: { value: v.optional(port(), 8126), etsyNames: ["mgmt_port"], change: "reopen" },
  httphost: { value: v.optional(host, "127.0.0.1"), change: "reopen" },
  httpport: { value: v.optional(port("no HTTP"), 0), change: "reopen" },
  nodes: {
    // The entries of a list that is too long are not validated.
    value: v.pipe(
      v.array(v.unknown(), expected(NODES)),
      v.minLength(1, NODES),
      v.maxLength(NODES_MAX, `expected at most ${NODES_MAX} nodes`),
      v.array(nodeSchema),
    ),
    change: "live",
  },
  checkInterval: { value: v.optional(wholeNumber(10, 86_400_000, "milliseconds"), 1000), change: "live" },
  fall: { value: v.optional(wholeNumber(1, 1000), 2), change: "live" },
  rise: { value: v.optional(wholeNumber(1, 1000), 1), change: "live" },
  resolveInterval: { value: v.optional(wholeNumber(1000, 86_400_000, "milliseconds"), 30_000), change: "live" },
  mirror: { value: v.optional(flag, false), change: "live" },
  ring: { value: v.optional(oneOf(RING_KINDS)), change: "live" },
  failover: { value: v.optional(oneOf(FAILOVERS), "rehash"), change: "live" },
  cacheSize: { value: v.optional(wholeNumber(0, 10_000_000), 65536), change: "live" },
  types: {
    value: v.optional(types, ["c", "g", "ms", "h", "s", "d", EVENT_TYPE, SERVICE_CHECK_TYPE]),
    change: "live",
  },
  maxDatagramBytes: { value: v.optional(wholeNumber(0, DATAGRAM_BYTES_MAX, "bytes"), 1432), change: "live" },
  gather: { value: v.optional(wholeNumber(0, 100, "milliseconds")), change: "live" },
  receiveBuffer: { value: v.optional(wholeNumber(4096, 2 ** 30, "bytes"), 4_194_304), change: "live" },
  selfMetrics: { value: v.optional(selfMetricsSchema), change: "live" },
  // Etsy's keys, with one meaning that this proxy can honour.
  server: {
    value: v.optional(v.picklist(["./servers/udp"], expected("expected './servers/udp' (metrics arrive over UDP)"))),
    etsyNames: ["server"],
    change: "live",
  },
  udp_version: { value: v.optional(oneOf(["udp4", "udp6"])), etsyNames: ["udp_version"], change: "reopen" },
  forkCount: { value: v.optional(processes), etsyNames: ["forkCount"], change: "live" },
  log: { ignored: "the log goes to standard error" },
  automaticConfigReload: { ignored: "--watch reloads the file when it changes" },
} as const satisfies Keys;

export const topSchema = schemaOf(TOP_KEYS, "{ nodes: [...] }");

type Entries<Table extends Keys> = {
  -readonly [Key in keyof Table as Table[Key] extends ReadKey ? Key : never]: Table[Key] extends ReadKey
    ? Table[Key]["value"]
    : never;
};

/** @param form an example, shown if the value is not an object */
function schemaOf<Table extends Keys>(table: Table, form: string) {
  const read = Object.entries<ReadKey | IgnoredKey>(table).flatMap(([key, known]) =>
    "value" in known ? [[key, known.value]] : [],
  );
  return v.object(Object.fromEntries(read) as Entries<Table>, objectOf(form));
}
