/** Normalizes the keys of a configuration: from two families of relays and any case to one spelling. */
import { NODES_MAX } from "../placement/ring.ts";
import { suggestion } from "../text/nearest.ts";
import { CHECK_KEYS, type Keys, NODE_KEYS, SELF_METRICS_KEYS, TOP_KEYS } from "./keys.ts";
import { isObject } from "./objects.ts";
import type { Problem } from "./problem.ts";

export interface Spelling {
  /** The file's value with this project's spelling of every key, and without unknown ones. */
  readonly value: unknown;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Whether there is a key, or a name of one, that only Etsy's proxy uses. */
  readonly isEtsy: boolean;
}

/** The names in a table of keys, for lookups in lower case. */
interface Vocabulary {
  /** The objects whose keys these are. */
  readonly where: string;
  /** Every name, as shown. */
  readonly words: readonly string[];
  /** The key that each name stands for. */
  readonly keys: ReadonlyMap<string, string>;
  /** Names that only Etsy's proxy uses. */
  readonly etsyNames: ReadonlySet<string>;
  /** Keys without effect, and why. */
  readonly ignored: ReadonlyMap<string, string>;
}

const TOP = vocabularyOf(TOP_KEYS, "at the top of the file");
const NODE = vocabularyOf(NODE_KEYS, "in nodes[]");
const CHECK = vocabularyOf(CHECK_KEYS, "in a node's check");
const SELF_METRICS = vocabularyOf(SELF_METRICS_KEYS, "in selfMetrics");
const LEVELS = [TOP, NODE, CHECK, SELF_METRICS];

/** A near name is suggested only if there are no more unknown keys than typing errors explain. */
const NEAREST_PROBLEMS_MAX = 100;

interface Findings {
  readonly errors: Problem[];
  readonly warnings: Problem[];
  isEtsy: boolean;
}

/** Normalizes the keys of a configuration and of the objects in it; anything else is left unchanged. */
export function spellKeys(file: unknown): Spelling {
  const findings: Findings = { errors: [], warnings: [], isEtsy: false };
  const value = canonicalKeys(file, TOP, "", findings);
  if (isObject(value) && Array.isArray(value.nodes) && value.nodes.length <= NODES_MAX) {
    value.nodes = value.nodes.map((node, i) => canonicalNode(node, `nodes[${i}].`, findings));
  }
  if (isObject(value) && isObject(value.selfMetrics)) {
    value.selfMetrics = canonicalKeys(value.selfMetrics, SELF_METRICS, "selfMetrics.", findings);
  }
  return { value, ...findings };
}

function canonicalNode(node: unknown, prefix: string, findings: Findings): unknown {
  const value = canonicalKeys(node, NODE, prefix, findings);
  if (isObject(value) && isObject(value.check)) {
    value.check = canonicalKeys(value.check, CHECK, `${prefix}check.`, findings);
  }
  return value;
}

/** The object with normalized keys, whatever their case or family. */
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
    if (vocabulary.etsyNames.has(word)) findings.isEtsy = true;
    if (before !== undefined && !Bun.deepEquals(value[key], entry)) {
      errors.push({ at, message: `${as} conflicts with ${before}; keep one` });
    } else {
      found.set(key, as);
      value[key] = entry;
    }
  }
  return value;
}

/** Why a key has no effect: it is another relay's, it belongs to another object, or it is mistyped. */
function unknownKey(word: string, { words, ignored }: Vocabulary, withNearest: boolean): string {
  const why = ignored.get(word);
  if (why !== undefined) return `has no effect here: ${why}`;
  const elsewhere = LEVELS.filter(({ keys }) => keys.has(word)).map(({ where }) => where);
  if (elsewhere.length > 0) return `unknown key here: it belongs ${elsewhere.join(", or ")}`;
  return `unknown key${withNearest ? suggestion(word, words) : ""}`;
}

function vocabularyOf(table: Keys, where: string): Vocabulary {
  const words: string[] = [];
  const keys = new Map<string, string>();
  const etsyNames = new Set<string>();
  const ignored = new Map<string, string>();
  for (const [key, known] of Object.entries(table)) {
    if ("ignored" in known) {
      ignored.set(key.toLowerCase(), known.ignored);
      continue;
    }
    for (const word of new Set([key, ...(known.etsyNames ?? [])])) {
      words.push(word);
      keys.set(word.toLowerCase(), key);
    }
    for (const word of known.etsyNames ?? []) etsyNames.add(word.toLowerCase());
  }
  return { where, words, keys, etsyNames, ignored };
}
