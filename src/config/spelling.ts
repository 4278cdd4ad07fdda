/** The keys of a configuration: two families of relays and any case, to one spelling. */
import { NODES_MAX } from "../placement/ring.ts";
import { type Keys, NODE_KEYS, SELF_METRICS_KEYS, TOP_KEYS } from "./keys.ts";
import type { Problem } from "./problem.ts";

export interface Spelling {
  /** The file's value with every key as this project spells it, and unknown ones left out. */
  readonly value: unknown;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Whether there is a key that only Etsy's proxy knows, or calls so. */
  readonly isEtsys: boolean;
}

/** The words of a table of keys; to look them up, in lower case. */
interface Vocabulary {
  /** Every word, as it is shown. */
  readonly words: readonly string[];
  /** Of each word the key that it stands for. */
  readonly keys: ReadonlyMap<string, string>;
  /** Words of Etsy's alone. */
  readonly etsys: ReadonlySet<string>;
  /** Keys without effect, and why. */
  readonly ignored: ReadonlyMap<string, string>;
}

const TOP = vocabularyOf(TOP_KEYS);
const NODE = vocabularyOf(NODE_KEYS);
const SELF_METRICS = vocabularyOf(SELF_METRICS_KEYS);

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
  const value = canonicalKeys(file, TOP, "", findings);
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
    if (vocabulary.etsys.has(word)) findings.isEtsys = true;
    if (before !== undefined && !Bun.deepEquals(value[key], entry)) {
      errors.push({ at, message: `${as} conflicts with ${before}; keep one` });
    } else {
      found.set(key, as);
      value[key] = entry;
    }
  }
  return value;
}

function unknownKey(word: string, { words, ignored }: Vocabulary, withNearest: boolean): string {
  const why = ignored.get(word);
  if (why !== undefined) return `has no effect here: ${why}`;
  if (!withNearest || word.length > NEAREST_LENGTH_MAX) return "unknown key, ignored";
  return `unknown key, ignored (did you mean ${nearestTo(word, words)}?)`;
}

function vocabularyOf(table: Keys): Vocabulary {
  const words: string[] = [];
  const keys = new Map<string, string>();
  const etsys = new Set<string>();
  const ignored = new Map<string, string>();
  for (const [key, known] of Object.entries(table)) {
    if ("ignored" in known) {
      ignored.set(key.toLowerCase(), known.ignored);
      continue;
    }
    for (const word of new Set([key, ...(known.etsys ?? [])])) {
      words.push(word);
      keys.set(word.toLowerCase(), key);
    }
    for (const word of known.etsys ?? []) etsys.add(word.toLowerCase());
  }
  return { words, keys, etsys, ignored };
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
