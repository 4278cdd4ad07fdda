import { expect, test } from "bun:test";
import { NOTHING_RECENT } from "../../src/observe/recent.ts";
import { type StatusJson, statusJsonParts } from "../../src/observe/statusJson.ts";
import { RelayBench } from "../support/relayBench.ts";
import { statsSourceOf } from "../support/statsSource.ts";

test("a node that changes its state often enough is flapping, and it is told how often", () => {
  const view = new RelayBench({}).view();
  const changed = (amount: number) => ({ state_changes: { amount, sinceMs: 1000, lastMs: 9000 } });
  const recent = {
    ...NOTHING_RECENT,
    nodes: new Map([changed(5), changed(6)].map((changes, i) => [view.nodes[i].counters, changes])),
  };
  const { nodes } = JSON.parse([...statusJsonParts(statsSourceOf({ ...view, recent }))].join("")) as StatusJson;
  expect(nodes.map(({ flapping }) => flapping)).toEqual([null, { changes: 6, since_ms: 1000 }, null]);
});
