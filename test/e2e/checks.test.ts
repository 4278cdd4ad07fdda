/** Management ports of every sort: what a check makes of each, and that many checks leave nothing open. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { endOfFile } from "../support/cleanUp.ts";
import { stats } from "../support/client.ts";
import { MANNERS, ManagementPort } from "../support/management.ts";
import { freePorts } from "../support/ports.ts";
import { type RunningProxy, startProxy } from "../support/process.ts";
import { boundPort, fullPort, RAW_PORTS_WORK } from "../support/rawPort.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

const CHECKS = 25;

/** What the debug log says of a check. */
const RESULTS = {
  refuses: "ECONNREFUSED",
  "has-no-room": '"no answer in 0.25 s"',
  hangs: '"no answer in 0.25 s"',
  resets: "ECONNRESET",
  closes: '"closed without an answer"',
  "says-down": '"answered health: down"',
  "says-garbage": '"answered HTTP/1.1 400 Bad Request"',
  "never-ends": '"answer too long"',
  "is-up": "up",
  "is-up-bytewise": "up",
};
type Sort = keyof typeof RESULTS;
const SORTS = Object.keys(RESULTS) as Sort[];

const atEnd = endOfFile();

describe.skipIf(!RAW_PORTS_WORK)("a management port that (Linux only)", () => {
  let proxy: RunningProxy;
  let openFilesAfterFew = 0;
  let figures: Record<string, number> = {};

  beforeAll(async () => {
    const listening = (manners: keyof typeof MANNERS) => new ManagementPort({ manners: MANNERS[manners], atEnd }).port;
    const managementPorts: Record<Sort, number> = {
      refuses: boundPort(atEnd),
      "has-no-room": fullPort(atEnd),
      hangs: listening("silent"),
      resets: listening("resetting"),
      closes: listening("closing"),
      "says-down": listening("down"),
      "says-garbage": listening("garbage"),
      "never-ends": listening("endless"),
      "is-up": listening("up"),
      "is-up-bytewise": listening("bytewise"),
    };
    // Nobody sends them metrics; but the same node twice is an error.
    const ports = await freePorts(SORTS.length);
    const nodes = SORTS.map((name, i) => ({
      name,
      host: "127.0.0.1",
      port: ports[i],
      managementport: managementPorts[name],
    }));
    proxy = await startProxy({ nodes, checkInterval: 50 }, { args: ["-d"], atEnd });
    const checked = (times: number) => async () => {
      figures = await stats(proxy);
      return SORTS.every((sort) => checksOf(sort).passed + checksOf(sort).failed >= times);
    };
    await until("a few checks", checked(5));
    openFilesAfterFew = proxy.openFiles();
    await until("many checks", checked(CHECKS), 20_000);
  });

  function checksOf(sort: Sort) {
    return { passed: figures[`node.${sort}.checks_passed`], failed: figures[`node.${sort}.checks_failed`] };
  }

  test.each(SORTS.filter((sort) => RESULTS[sort] !== "up"))("%s fails each check and is out", (sort) => {
    expect(checksOf(sort)).toEqual({ passed: 0, failed: expect.any(Number) });
    expect(figures[`node.${sort}.up`]).toBe(0);
    const check = `level=debug event=check node=${sort} result=`;
    const results = proxy.lines.flatMap((line) => (line.includes(check) ? [line.split(check)[1]] : []));
    expect(results).toContain(RESULTS[sort]);
    // On a busy machine the time may be up before anything came.
    expect(results.filter((result) => result !== RESULTS[sort] && result !== '"no answer in 0.25 s"')).toEqual([]);
  });

  test.each(SORTS.filter((sort) => RESULTS[sort] === "up"))("%s passes and is in", (sort) => {
    const { passed, failed } = checksOf(sort);
    expect(passed).toBeGreaterThan(CHECKS / 2);
    // On a busy machine an answer may come too late for once.
    expect(failed).toBeLessThan(CHECKS / 2);
    expect(proxy.lines.some((line) => line.includes(`event=check node=${sort} result=up`))).toBe(true);
  });

  test("leaves no file descriptor open, however many checks it takes", async () => {
    // Each sort may have one check under way; one that leaked would have left at least 20 behind.
    await until("as many as after a few checks", () => proxy.openFiles() <= openFilesAfterFew + SORTS.length);
  });
});
