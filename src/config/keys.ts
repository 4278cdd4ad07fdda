/** The keys of a configuration: two families of relays and any case, to one spelling. */
import { NODES_MAX } from "../placement/ring.ts";

/** `at`: path of the value, as `nodes[1].port`; empty for the file as a whole. */
export interface Problem {
  readonly at: string;
  readonly message: string;
}

export interface Spelling {
  /** The file's value with every key as this project spells it, and unknown ones left out. */
  readonly value: unknown;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Whether there is a key that only Etsy's proxy knows, or calls so. */
  readonly isEtsys: boolean;
}

interface Vocabulary {
  /** Of each word, in lower case, the key that it stands for. */
  readonly keys: ReadonlyMap<string, string>;
  /** Every word, as it is shown. */
  readonly words: readonly string[];
}

/** Keys of this project, and what else they may be called. The first spelling is shown. */
const TOP_LEVEL = vocabularyOf({
  host: ["address"],
  port: [],
  address_ipv6: [],
  managementhost: ["mgmt_address"],
  managementport: ["mgmt_port"],
  httphost: [],
  httpport: [],
  nodes: [],
  checkInterval: [],
  fall: [],
  rise: [],
  mirror: [],
  ring: [],
  failover: [],
  cacheSize: [],
  types: [],
  maxDatagramBytes: [],
  gather: [],
  receiveBuffer: [],
  selfMetrics: [],
  // Etsy's, with one meaning that this proxy can honour.
  server: [],
  udp_version: [],
  forkCount: [],
});
const NODE = vocabularyOf({
  host: [],
  port: [],
  managementport: ["adminport"],
  name: [],
  weight: [],
});
const SELF_METRICS = vocabularyOf({ prefix: [], interval: [] });

/** What Etsy's proxy alone knows or calls so, in lower case. */
const ETSYS_WORDS = new Set([
  "address",
  "adminport",
  "forkcount",
  "mgmt_address",
  "mgmt_port",
  "server",
  "udp_version",
]);

/** What Etsy's proxy reads besides, in lower case, and why nothing comes of it here. */
const WITHOUT_EFFECT = new Map([
  ["log", "the log goes to standard error"],
  ["automaticconfigreload", "the file is read when the proxy starts"],
]);

/** The nearest word is looked for when there are no more unknown keys, and no longer ones, than a slip can explain. */
const NEAREST_PROBLEMS_MAX = 100;
const NEAREST_LENGTH_MAX = 60;

interface Findings {
  readonly errors: Problem[];
  readonly warnings: Problem[];
  isEtsys: boolean;
}

/** Spells the keys of a configuration and of what is in it; what is no object is left as it is. */
export function spellKeys(file: unknown): Spelling {
  const findings: Findings = { errors: [], warnings: [], isEtsys: false };
  const value = canonicalKeys(file, TOP_LEVEL, "", findings);
  if (isObject(value) && Array.isArray(value.nodes) && value.nodes.length <= NODES_MAX) {
    value.nodes = value.nodes.map((node, i) => canonicalKeys(node, NODE, `nodes[${i}].`, findings));
  }
  if (isObject(value) && isObject(value.selfMetrics)) {
    value.selfMetrics = canonicalKeys(value.selfMetrics, SELF_METRICS, "selfMetrics.", findings);
  }
  return { value, ...findings };
}

/** The object with each key in its first spelling, whatever its case or family. */
function canonicalKeys(object: unknown, vocabulary: Vocabulary, prefix: string, findings: Findings): unknown {
  if (!isObject(object)) return object;
  const { errors, warnings } = findings;
  const value: Record<string, unknown> = {};
  const found = new Map<string, string>();
  for (const [as, entry] of Object.entries(object)) {
    const at = prefix + (/^[\w$-]{1,60}$/.test(as) ? as : JSON.stringify(as.slice(0, 60)));
    const word = as.toLowerCase();
    const key = vocabulary.keys.get(word);
    const before = key && found.get(key);
    if (key === undefined) {
      warnings.push({ at, message: unknownKey(word, vocabulary, warnings.length < NEAREST_PROBLEMS_MAX) });
      continue;
    }
    if (ETSYS_WORDS.has(word)) findings.isEtsys = true;
    if (before !== undefined && !Bun.deepEquals(value[key], entry)) {
      errors.push({ at, message: `${as} says something else than ${before}: give one of them` });
    } else {
      found.set(key, as);
      value[key] = entry;
    }
  }
  return value;
}

function unknownKey(word: string, { words }: Vocabulary, withNearest: boolean): string {
  const why = words === TOP_LEVEL.words ? WITHOUT_EFFECT.get(word) : undefined;
  if (why !== undefined) return `without effect here: ${why}`;
  if (!withNearest || word.length > NEAREST_LENGTH_MAX) return "unknown key, ignored";
  return `unknown key, ignored (did you mean ${nearestTo(word, words)}?)`;
}

function vocabularyOf(families: Readonly<Record<string, readonly string[]>>): Vocabulary {
  const spellings = Object.entries(families).flatMap(([key, others]) => [key, ...others].map((as) => ({ as, key })));
  return {
    keys: new Map(spellings.map(({ as, key }) => [as.toLowerCase(), key])),
    words: spellings.map(({ as }) => as),
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nearestTo(word: string, candidates: readonly string[]): string {
  const distances = candidates.map((candidate) => editDistance(word, candidate.toLowerCase()));
  return candidates[distances.indexOf(Math.min(...distances))];
}

/** Levenshtein's, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substituted, above[j] + 1, row[j - 1] + 1));
    }
  }
  return row[b.length];
}
