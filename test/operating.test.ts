/** OPERATING.md tells of every event of the log, and of no other. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const SRC = join(ROOT, "src");

/** An event where it is logged. */
interface Logged {
  readonly event: string;
  /** Undefined: it is told elsewhere. */
  readonly level: string | undefined;
  readonly fields: readonly string[];
  readonly path: string;
}

interface Row {
  readonly levels: readonly string[];
  readonly text: string;
}

/** `log.warn("name"`, `log[level]("name"`, `event: "name"`. */
const LOGGED = /\blog(?:\.(error|warn|info|debug)|\[[^\]]+\]+)\(\s*"(\w+)"|\bevent: "(\w+)"/g;

const LOGGED_EVENTS: readonly Logged[] = [...new Bun.Glob("**/*.ts").scanSync(SRC)].sort().flatMap((path) => {
  if (path.startsWith("page/")) return [];
  const text = readFileSync(join(SRC, path), "utf8");
  return [...text.matchAll(LOGGED)].map(([all, level, called, named], i, { [i]: match }) => ({
    ...{ event: called ?? named, level, path },
    fields: fieldsOf(text.slice(match.index + all.length)),
  }));
});

const ROWS = rowsOf(readFileSync(join(ROOT, "OPERATING.md"), "utf8"));

test("every event that is logged is in the table, and the table has no other", () => {
  const logged = new Set(LOGGED_EVENTS.map(({ event }) => event));
  expect([...ROWS.keys()].sort()).toEqual([...logged].sort());
});

describe("an event of the table", () => {
  test("has the levels that it is logged at", () => {
    const wrong = LOGGED_EVENTS.filter(({ event, level }) => level && !ROWS.get(event)?.levels.includes(level));
    expect(wrong).toEqual([]);
  });

  test("has every field that is written where it is logged", () => {
    const missing = LOGGED_EVENTS.flatMap(({ event, fields, path }) =>
      fields
        .filter((field) => !ROWS.get(event)?.text.includes(`\`${field}\``))
        .map((field) => `${path}: ${event} ${field}`),
    );
    expect(missing).toEqual([]);
  });
});

test("fields are found in the code", () => {
  expect(fieldsOf(', { a, ...more, b: f("x, y", { c: 1 }), d_e: `},{` });')).toEqual(["a", "b", "d_e"]);
  expect(fieldsOf(", fields };")).toEqual([]);
  const fields = new Set(LOGGED_EVENTS.flatMap(({ fields }) => fields));
  expect(fields.size).toBeGreaterThan(20);
});

/** Of the object that is the next argument, or the value of the next key. Those that are spread from elsewhere are not known. */
function fieldsOf(code: string): string[] {
  const open = /^,\s*(?:fields: )?\{/.exec(code);
  if (open === null) return [];
  const bare = code.slice(open[0].length).replace(/"[^"\n]*"|`[^`]*`/g, '""');
  let depth = 1;
  let own = "";
  for (const character of bare) {
    if ("}])".includes(character)) depth--;
    if (depth === 0) break;
    if (depth === 1) own += character;
    if ("{[(".includes(character)) depth++;
  }
  return own.split(",").flatMap((part) => /^\s*(\w+)\s*(?::|$)/.exec(part)?.[1] ?? []);
}

function rowsOf(document: string): Map<string, Row> {
  const log = document.slice(document.indexOf("\n## Log\n"), document.indexOf("\n## Limits\n"));
  const rows = log.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(
    rows.flatMap((row) => {
      const [, events, levels, ...text] = row.split("|");
      const told = { levels: levels.split(",").map((level) => level.trim()), text: text.join("|") };
      return [...events.matchAll(/`(\w+)`/g)].map(([, event]) => [event, told] as const);
    }),
  );
}
