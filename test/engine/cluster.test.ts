import { expect, onTestFinished, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { bunPlatform } from "../../src/engine/bunPlatform.io.ts";
import { Cluster } from "../../src/engine/cluster.ts";
import { Opening } from "../../src/engine/opening.ts";
import { openLog } from "../../src/log/log.io.ts";
import { Counters } from "../../src/relay/counters.ts";
import { watchedClock } from "../support/clocks.ts";

test("the checks of the nodes are spread over the interval", async () => {
  const nodes = Array.from({ length: 4 }, (_, i) => ({ host: "127.0.0.1", port: 9 + i, managementport: 9 }));
  const { config } = readConfig(JSON.stringify({ nodes, checkInterval: 100_000 }));
  if (config === undefined) throw new Error("the configuration is good");
  const { clock, delays } = watchedClock();
  const cluster = new Cluster({
    platform: { ...bunPlatform, clock },
    counters: new Counters(),
    log: openLog({ format: "logfmt", level: "error" }),
    view: () => {
      throw new Error("there are no metrics of its own");
    },
    onNamesChanged: () => {},
    onFailure: () => {},
  });
  onTestFinished(() => cluster.close());
  const opening = new Opening(bunPlatform.network);
  await cluster.prepare(config, opening);
  expect(delays).toEqual([]);
  opening.commit();
  expect(delays.map((ms) => Math.ceil(ms / 1000))).toEqual([0, 25, 50, 75]);
});
