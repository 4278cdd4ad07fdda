/** The rules of the house: which room may import from which, and which files may touch the world. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const SRC = join(import.meta.dir, "..", "src");

/** From the ground up: a room imports from itself and from those below it. */
const ROOMS = [
  ...["text", "system", "core", "protocol", "placement", "config", "log", "relay", "net", "health", "observe"],
  ...["engine", "server", "console", "http", "page", "proxy", "cli"],
];

/** What only files called *.io.ts may have: sockets, clocks, timers, descriptors, files, the process, chance. */
const WORLDLY = [
  /(?<![.\w])(?:setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|queueMicrotask|fetch)\((?!run: )/,
  /\bperformance\.now\b|\bDate\.now\b|new Date\(\)/,
  /\bprocess\.(?!arch\b)/,
  /\bBun\.(?!MD5\b|SHA256\b|JSON5\b|deepEquals\b|version\b)/,
  /(?<![.\w])console\.(?:log|error|warn|info)\b/,
  /\bcrypto\.|\bMath\.random\b/,
  /from "bun:|from "bun"/,
  /from "node:|require\("node:/,
];

interface Import {
  readonly from: string;
  readonly isType: boolean;
  /** It runs when the file is compiled. */
  readonly isMacro: boolean;
}

const FILES = [...new Bun.Glob("**/*.ts").scanSync(SRC)].sort().map((path) => {
  const text = readFileSync(join(SRC, path), "utf8");
  return { path, code: withoutComments(text), imports: importsOf(text) };
});

test("every file is in a room, but for the entry", () => {
  const rooms = FILES.filter(({ path }) => path !== "main.ts").map(({ path }) => roomOf(path));
  expect(new Set(rooms)).toEqual(new Set(ROOMS));
});

test("imports go down: no room knows what is above it", () => {
  const upwards = FILES.filter(({ path }) => path !== "main.ts").flatMap(({ path, imports }) =>
    imports
      .map(({ from }) => targetOf(path, from))
      .filter((to) => to !== undefined && ROOMS.indexOf(roomOf(to)) > ROOMS.indexOf(roomOf(path)))
      .map((to) => `${path} -> ${to}`),
  );
  expect(upwards).toEqual([]);
});

describe("a file that is not called *.io.ts", () => {
  // The page runs in a browser, and the entry starts what is worldly.
  const pure = FILES.filter(({ path }) => !path.endsWith(".io.ts") && path !== "main.ts" && roomOf(path) !== "page");

  test("touches no socket, clock, timer, descriptor, file or process", () => {
    const found = pure.flatMap(({ path, code }) =>
      code.split("\n").flatMap((line) => (WORLDLY.some((pattern) => pattern.test(line)) ? [`${path}: ${line}`] : [])),
    );
    expect(found).toEqual([]);
  });

  test("imports types, and nothing else, from those that do", () => {
    const found = pure.flatMap(({ path, imports }) =>
      imports.flatMap(({ from, isType, isMacro }) =>
        !isType && !isMacro && from.endsWith(".io.ts") ? [`${path} -> ${from}`] : [],
      ),
    );
    expect(found).toEqual([]);
  });
});

test("tests await what they expect of a promise", () => {
  const folder = import.meta.dir;
  const found = [...new Bun.Glob("**/*.ts").scanSync(folder)].flatMap((path) => {
    const text = readFileSync(join(folder, path), "utf8");
    // A statement that begins with it: nobody waits for its end.
    const statements = text.matchAll(/^ *expect\((?:[^;]|;(?! *$))*?\)\s*\.(?:rejects|resolves)\b.*$/gm);
    return [...statements].map(([statement]) => `${path}: ${statement}`);
  });
  expect(found).toEqual([]);
});

test("whoever keeps the address of memory keeps that of memory that stays", () => {
  const found = FILES.flatMap(({ path, code }) => {
    const kept = [...code.matchAll(/At = ptr\(this\.(\w+)\)/g)];
    return kept.flatMap(([, name]) => {
      const stays = new RegExp(`\\b${name} = (?:words|bytes)ThatStay\\(`);
      return stays.test(code) ? [] : [`${path}: ${name}`];
    });
  });
  expect(found).toEqual([]);
});

test("ARCHITECTURE.md has a sentence for each room, in this order", () => {
  const text = readFileSync(join(SRC, "..", "ARCHITECTURE.md"), "utf8");
  const rooms = [...text.matchAll(/^\| `(\w+)\/` \|/gm)].map(([, room]) => room);
  expect(rooms).toEqual([...ROOMS].reverse());
});

function roomOf(path: string): string {
  return path.split("/")[0];
}

/** Within src; undefined: it is elsewhere. */
function targetOf(path: string, from: string): string | undefined {
  if (!from.startsWith(".")) return undefined;
  const to = relative(SRC, join(SRC, dirname(path), from));
  return to.startsWith("..") ? undefined : to;
}

function importsOf(text: string): Import[] {
  const statements = text.matchAll(
    /^(?:import|export) (type )?([^;]*?)\s*from "([^"]+)"( with \{ type: "macro" \})?/gm,
  );
  const dynamic = text.matchAll(/\bimport\("([^"]+)"\)/g);
  return [
    ...[...statements].map(([, type, what, from, macro]) => {
      const names = what.replace(/[{}]/g, "").split(",");
      const values = names.map((name) => name.trim()).filter((name) => name !== "" && !name.startsWith("type "));
      const isType = type !== undefined || values.length === 0;
      return { from, isType, isMacro: macro !== undefined };
    }),
    ...[...dynamic].map(([, from]) => ({ from, isType: false, isMacro: false })),
  ];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}
