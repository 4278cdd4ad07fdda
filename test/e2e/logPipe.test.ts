/** Nobody reads the log: whatever standard error is, the compiled binary relays, answers and ends as always. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Backend, linesArrived } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, refusesConnections, send, stats } from "../support/client.ts";
import { Fifo } from "../support/fifo.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts } from "../support/ports.ts";
import { configFile, RunningProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const LINUX = process.platform === "linux";
/** Far more than a pipe takes, when each is logged. */
const MANY = 20_000;
const LINES_IN_DATAGRAM = 20;

interface Parts {
  readonly args?: string[];
  /** Standard error; if not given, what Bun makes for a child. */
  readonly stderr?: number;
  /** What runs the command. */
  readonly wrapper?: string[];
  readonly settings?: object;
}

/** Starts the proxy, and waits until it answers: what it says may go nowhere. */
async function startUnheard({ args = [], stderr, wrapper = [], settings = {} }: Parts) {
  const backend = await Backend.open();
  const [port, managementport] = await freePorts(2);
  const folder = emptyFolder();
  const file = configFile(folder, { nodes: [backend.node], host: "127.0.0.1", port, managementport, ...settings });
  const command = [...wrapper, await binary(), "-f", file, ...args];
  const proxy = new RunningProxy(command, folder, { port, managementport }, onTestFinished, stderr);
  await until("it answers", async () => !(await refusesConnections(managementport)));
  return { proxy, backend, folder };
}

/** Sends so many lines, each of which must arrive. */
async function relayAll(proxy: RunningProxy, backend: Backend, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) => `unheard.name.${i % 50}:${i}|c`);
  const datagrams = Array.from({ length: Math.ceil(count / LINES_IN_DATAGRAM) }, (_, i) =>
    lines.slice(i * LINES_IN_DATAGRAM, (i + 1) * LINES_IN_DATAGRAM).join("\n"),
  );
  await send(proxy, datagrams);
  expect((await linesArrived([backend], count)).sort()).toEqual(lines.sort());
  expect(await ask(proxy, "ping")).toBe("pong\n");
}

async function endsWell(proxy: RunningProxy): Promise<void> {
  proxy.signal("SIGTERM");
  expect(await proxy.exited).toBe(0);
}

/** How many lines the log itself says are missing. */
function toldLost(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Number(/ event=log_lost lines=(\d+)$/.exec(line)?.[1] ?? 0), 0);
}

describe.skipIf(!LINUX)(LINUX ? "on Linux" : "on Linux (skipped: not here, where the log waits for its reader)", () => {
  describe.each([
    ["a pipe", true],
    ["a non-blocking pipe", false],
  ])("standard error is %s that nobody reads", (_, isBlocking) => {
    test("in debug mode every line is relayed; what the log lost it tells when it is read again", async () => {
      const pipe = new Fifo();
      const { proxy, backend } = await startUnheard({ args: ["-d"], stderr: pipe.writer(isBlocking) });
      await relayAll(proxy, backend, MANY);
      expect((await stats(proxy)).log_lines_lost).toBeGreaterThan(0);

      await until("what was lost is told", () => pipe.read().includes(" event=log_lost "));
      await send(proxy, ["the.last:1|c"]);
      await until("the log goes on", () => pipe.read().includes(" line=the.last:1|c "));
      // Until it is read again it loses more: a verdict may come at any moment.
      const { log_lines_lost } = await stats(proxy);
      const all = pipe.lines();
      for (const line of all) expect(line).toMatch(/^time=\S+ level=\w+ event=\w+ .*$/);
      expect(toldLost(all)).toBe(log_lines_lost);
      // That lines are lost is a verdict, too, and its line may be lost as well.
      const lines = all.filter((line) => !line.includes(" event=verdict "));
      // All that is said besides the lines is said when it starts.
      const started = lines.findIndex((line) => line.includes(" event=line "));
      const lost = lines.findIndex((line) => line.includes(" event=log_lost "));
      expect(lines.slice(started).filter((line) => line.includes(" event=line "))).toHaveLength(
        lines.length - started - 1,
      );
      const isVerdictLost = lines.length - started - 1 + log_lines_lost - (MANY + 1);
      expect([0, 1]).toContain(isVerdictLost);
      // In order, with the gap where it is said to be.
      const values = lines.slice(started, lost).map((line) => Number(/:(\d+)\|c /.exec(line)?.[1]));
      expect(values).toEqual(values.map((_, i) => i));
      expect(lost).toBe(lines.length - 2);
      await endsWell(proxy);
      expect(pipe.read()).toContain(" event=stopped ");
    });

    test("and that is full already: it starts, relays, answers and ends, and says it all when it is read", async () => {
      const pipe = new Fifo();
      pipe.fill();
      const { proxy, backend } = await startUnheard({ stderr: pipe.writer(isBlocking), settings: { prot: 1 } });
      await relayAll(proxy, backend, 100);
      proxy.signal("SIGHUP");
      backend.clear();
      await relayAll(proxy, backend, 100);
      expect((await stats(proxy)).log_lines_lost).toBe(0);
      await until("SIGHUP is told", () => pipe.read().includes(" event=reloaded "));
      expect(pipe.lines()[0]).toContain(' event=configuration file=proxy.json warning="prot: unknown key');
      expect(pipe.lines()[1]).toContain(" event=listening ");
      pipe.fill();
      await endsWell(proxy);
    });
  });

  test("a start that fails ends with 1, also when standard error is a full pipe", async () => {
    const pipe = new Fifo();
    pipe.fill();
    for (const settings of [{ nodes: 7 }, { nodes: [{ host: "127.0.0.1", port: 9 }], host: "192.0.2.1" }]) {
      const folder = emptyFolder();
      const command = [await binary(), "-f", configFile(folder, settings)];
      const proxy = new RunningProxy(command, folder, { port: 0, managementport: 0 }, onTestFinished, pipe.writer());
      expect(await proxy.exited).toBe(1);
    }
  });

  test("the demo goes on when nobody reads standard output", async () => {
    const pipe = new Fifo();
    pipe.fill();
    const [port, managementport, node, health] = await freePorts(4);
    const folder = emptyFolder();
    const nodes = [{ host: "127.0.0.1", port: node, managementport: health }];
    const file = configFile(folder, { nodes, host: "127.0.0.1", port, managementport });
    const output = `exec "$0" "$@" >&2`;
    const command = ["sh", "-c", output, await binary(), "--demo", "-f", file];
    const proxy = new RunningProxy(command, folder, { port, managementport }, onTestFinished, pipe.writer());
    await until("samples", async () => {
      if (await refusesConnections(managementport)) return false;
      return (await stats(proxy)).lines_relayed >= 2;
    });
    await until("what it got", () => pipe.read().includes("  got  web.requests:1|c\n"));
    pipe.fill();
    await endsWell(proxy);
  });

  test("standard error is closed: every line is relayed", async () => {
    const { proxy, backend } = await startUnheard({ args: ["-d"], wrapper: ["sh", "-c", 'exec "$0" "$@" 2>&-'] });
    await relayAll(proxy, backend, MANY);
    await endsWell(proxy);
  });

  test("the reader of standard error goes away: every line is relayed, what is lost is counted", async () => {
    const pipe = new Fifo();
    const { proxy, backend } = await startUnheard({ args: ["-d"], stderr: pipe.writer() });
    await until("it is read", () => pipe.read().includes(" event=listening "));
    pipe.closeReader();
    await relayAll(proxy, backend, MANY);
    expect((await stats(proxy)).log_lines_lost).toBeGreaterThan(0);
    await endsWell(proxy);
  });

  test("standard error is a file: every line is in it, in order, behind what was there", async () => {
    const wrapper = ["sh", "-c", 'echo before > log; exec "$0" "$@" 2>> log'];
    const { proxy, backend, folder } = await startUnheard({ args: ["-d"], wrapper });
    await relayAll(proxy, backend, MANY);
    expect((await stats(proxy)).log_lines_lost).toBe(0);
    await endsWell(proxy);
    const lines = readFileSync(join(folder, "log"), "utf8").split("\n");
    expect(lines[0]).toBe("before");
    const values = lines.filter((line) => line.includes(" event=line ")).map((line) => /:(\d+)\|c /.exec(line)?.[1]);
    expect(values).toEqual(Array.from({ length: MANY }, (_, i) => String(i)));
    expect(lines.at(-2)).toContain(" event=stopped ");
  });
});
