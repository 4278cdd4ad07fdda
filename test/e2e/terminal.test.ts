/** A proxy that somebody starts by hand, in a terminal. */
import { expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { Backend } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, refusesConnections, stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts } from "../support/ports.ts";
import { configFile } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

async function startInTerminal(...wrapper: string[]) {
  const backend = await Backend.open();
  const [port, managementport] = await freePorts(2);
  const folder = emptyFolder();
  const file = configFile(folder, { nodes: [backend.node], host: "127.0.0.1", port, managementport });
  const terminal = { cols: 80, rows: 24 };
  const child = Bun.spawn([...wrapper, await binary(), "-f", file], { cwd: folder, terminal });
  onTestFinished(() => void child.kill("SIGKILL"));
  await until("it listens", async () => !(await refusesConnections(managementport)));
  const proxy = { consolePort: managementport };
  expect(await ask(proxy, "ping")).toBe("pong\n");
  const reloads = (count: number) =>
    until(`${count} reloads`, async () => (await stats(proxy))["config_reloads.ok"] === count);
  return { child, proxy, reloads };
}

test("SIGHUP while the terminal is there is a reload, and the terminal's end is the proxy's", async () => {
  const { child, reloads } = await startInTerminal();
  child.kill("SIGHUP");
  await reloads(1);
  child.terminal?.close();
  expect(await child.exited).toBe(0);
});

const missing = Bun.which("nohup") === null;
test.skipIf(missing)(
  `with nohup it goes on without the terminal, and SIGHUP is a reload${missing ? " (skipped: there is no nohup here)" : ""}`,
  async () => {
    const { child, proxy, reloads } = await startInTerminal("nohup");
    child.terminal?.close();
    await reloads(1);
    child.kill("SIGHUP");
    await reloads(2);
    expect(await ask(proxy, "ping")).toBe("pong\n");
  },
);
