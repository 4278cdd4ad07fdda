import { expect, onTestFinished, spyOn, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { Cluster } from "../../src/engine/cluster.ts";
import { openLog } from "../../src/log/log.io.ts";
import { Start } from "../../src/proxy/start.ts";
import { Counters } from "../../src/relay/counters.ts";

test("the checks of the nodes are spread over the interval", async () => {
  const nodes = Array.from({ length: 4 }, (_, i) => ({ host: "127.0.0.1", port: 9 + i, managementport: 9 }));
  const { config } = readConfig(JSON.stringify({ nodes, checkInterval: 100_000 }));
  if (config === undefined) throw new Error("the configuration is good");
  const log = openLog({ format: "logfmt", level: "error" });
  const start = new Start();
  onTestFinished(() => start.close());
  const cluster = await Cluster.open({ config, counters: new Counters(), log, onFailure: () => {} }, start);

  const setTimer = spyOn(globalThis, "setTimeout");
  onTestFinished(() => setTimer.mockRestore());
  cluster?.startChecks();
  expect(setTimer.mock.calls.map(([, ms]) => Math.ceil(Number(ms) / 1000))).toEqual([0, 25, 50, 75]);
});
