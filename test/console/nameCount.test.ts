import { expect, test } from "bun:test";
import fc from "fast-check";
import { NAME_BYTES_KEPT_MAX, NAMES_KEPT_MAX, NameCount, type NamesRequest } from "../../src/console/nameCount.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";

interface Given {
  readonly request?: Partial<NamesRequest>;
  readonly mirror?: boolean;
  readonly isUp?: () => boolean;
}

/** Counts the names of a node in datagrams; returns what it says at the end. */
function said(datagrams: readonly string[], { request, mirror = false, isUp = () => true }: Given = {}): string[] {
  const bench = new RelayBench({ mirror });
  const all = { label: BENCH_LABELS[0], pattern: undefined, limit: 1000 };
  const count = new NameCount({ ...all, ...request }, isUp);
  bench.relay.observer = (line, verdict, to) => count.see(line, verdict, to);
  for (const datagram of datagrams) bench.receive(datagram);
  count.refill(2500);
  expect(count.take()).toBe("");
  return count.summary(0).split("\n").slice(0, -1);
}

test("lists the names with the most lines first, then by name", () => {
  const lines = ["b:1|c", "a:1|c", "c:1|c", "c:2|ms", "no.colon", "c:3|g|@0.1|#a:1"];
  expect(said([lines.join("\n")], { mirror: true })).toEqual([
    "lines  name",
    "    3  c",
    "    1  a",
    "    1  b",
    "# 3 of 3 names in 5 lines in 2.5 s",
  ]);
  expect(said([lines.join("\n")], { mirror: true, request: { limit: 1 } })).toEqual([
    "lines  name",
    "    3  c",
    "# 1 of 3 names in 5 lines in 2.5 s",
  ]);
});

test("says so when there was nothing", () => {
  expect(said([])).toEqual(["# 0 of 0 names in 0 lines in 2.5 s"]);
  expect(said(["a:1|c"], { mirror: true, isUp: () => false })).toEqual(["# 0 of 0 names in 0 lines in 2.5 s"]);
});

test("lists the names that match", () => {
  const request = { pattern: "web.*" };
  expect(said(["web.a:1|c\ndb.web.b:1|c\nweb.b:1|web."], { mirror: true, request })).toEqual([
    "lines  name",
    "    1  web.a",
    "# 1 of 1 name in 1 line in 2.5 s",
  ]);
});

test("every name is listed for its node, and for no other", () => {
  const name = fc.stringMatching(/^[a-z.]{1,6}$/);
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 60 }), (names) => {
      const datagram = names.map((name) => `${name}:1|c`).join("\n");
      const found = BENCH_LABELS.flatMap((label) => said([datagram], { request: { label } }).slice(0, -1));
      const counts = new Map<string, number>();
      for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
      const expected = [...counts].map(([name, lines]) => `${String(lines).padStart(5)}  ${name}`);
      expect(found.filter((line) => line !== "lines  name").sort()).toEqual(expected.sort());
    }),
  );
});

test("bytes that would do something to a terminal are escaped, and long names cut", () => {
  const [, odd, long] = said([`caf\u00e9\x1b[2J:1|c\n${"y".repeat(NAME_BYTES_KEPT_MAX + 1)}:1|c`], { mirror: true });
  expect(odd).toBe("    1  caf\\xe9\\x1b[2J");
  expect(long).toBe(`    1  ${"y".repeat(NAME_BYTES_KEPT_MAX)}...`);
});

test("names beyond the most that are kept are counted together", () => {
  const names = Array.from({ length: NAMES_KEPT_MAX + 3 }, (_, i) => `n${i}:1|c`);
  const parts = Array.from({ length: 11 }, (_, i) => names.slice(500 * i, 500 * (i + 1)).join("\n"));
  const last = said(parts, { mirror: true }).at(-1);
  expect(last).toBe(
    `# 1,000 of 5,000 names in 5,003 lines in 2.5 s, 3 lines of other names (no more than ${NAMES_KEPT_MAX} are kept)`,
  );
});

test("what was not examined is said", () => {
  const count = new NameCount({ label: "a", pattern: undefined, limit: 5 }, () => true);
  expect(count.summary(7)).toBe(
    "# 0 of 0 names in 0 lines in 0.0 s, 7 lines of all nodes were not examined (too many at once)\n",
  );
});
