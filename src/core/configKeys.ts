/** The keys of a configuration: two families of relays and any case, to one spelling. */

/** `at`: path of the value, as `nodes[1].port`; empty for the file as a whole. */
export interface Problem {
  readonly at: string;
  readonly message: string;
}

export interface Spelling {
  /** The file's value with every key as this project spells it, and unknown ones left out. */
  readonly value: unknown;
  readonly errors: Problem[];
  readonly warnings: Problem[];
}

/** Key families: each key of ours, in lower case, and what else it may be called. The first spelling is shown. */
const TOP_LEVEL_KEYS: Record<string, readonly string[]> = {
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
};
const NODE_KEYS: Record<string, readonly string[]> = {
  host: [],
  port: [],
  managementport: ["adminport"],
  name: [],
  weight: [],
};

const SELF_METRICS_KEYS: Record<string, readonly string[]> = { prefix: [], interval: [] };

/** Spells the keys of a configuration and of what is in it; what is no object is left as it is. */
export function spellKeys(file: unknown): Spelling {
  const spelling = { errors: [], warnings: [] };
  const value = canonicalKeys(file, TOP_LEVEL_KEYS, "", spelling);
  if (isObject(value) && Array.isArray(value.nodes)) {
    value.nodes = value.nodes.map((node, i) => canonicalKeys(node, NODE_KEYS, `nodes[${i}].`, spelling));
  }
  if (isObject(value) && isObject(value.selfMetrics)) {
    value.selfMetrics = canonicalKeys(value.selfMetrics, SELF_METRICS_KEYS, "selfMetrics.", spelling);
  }
  return { value, ...spelling };
}

/** The object with each key in its first spelling, whatever its case or family. */
function canonicalKeys(
  object: unknown,
  families: Record<string, readonly string[]>,
  prefix: string,
  { errors, warnings }: Pick<Spelling, "errors" | "warnings">,
): unknown {
  if (!isObject(object)) return object;
  const spellings = Object.entries(families).flatMap(([key, others]) => [key, ...others].map((as) => ({ as, key })));
  const value: Record<string, unknown> = {};
  const found = new Map<string, string>();
  for (const [as, entry] of Object.entries(object)) {
    const at = prefix + (/^[\w$-]{1,60}$/.test(as) ? as : JSON.stringify(as.slice(0, 60)));
    const key = spellings.find((spelling) => spelling.as.toLowerCase() === as.toLowerCase())?.key;
    const before = key && found.get(key);
    if (key === undefined) {
      const nearest = nearestTo(
        as,
        spellings.map((spelling) => spelling.as),
      );
      warnings.push({ at, message: `unknown key, ignored (did you mean ${nearest}?)` });
    } else if (before !== undefined && !Bun.deepEquals(value[key], entry)) {
      errors.push({ at, message: `${as} says something else than ${before}: give one of them` });
    } else {
      found.set(key, as);
      value[key] = entry;
    }
  }
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nearestTo(word: string, candidates: readonly string[]): string {
  const distances = candidates.map((candidate) => editDistance(word.toLowerCase(), candidate.toLowerCase()));
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
