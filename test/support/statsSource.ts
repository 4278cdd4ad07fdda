/** What a proxy without HTTP tells as JSON. */
import { readConfig } from "../../src/config/config.ts";
import type { StatsSource } from "../../src/observe/statusJson.ts";
import type { View } from "../../src/observe/view.ts";
import { IDENTITY } from "./viewParts.ts";

export function statsSourceOf(view: View): StatsSource {
  const nodes = view.nodes.map(({ label }, i) => ({ host: "127.0.0.1", port: 8130 + i, name: label }));
  const { config } = readConfig(JSON.stringify({ nodes }));
  if (config === undefined) throw new Error("the configuration is good");
  return { ...IDENTITY, nowMs: 9000, config, health: "up", view, healthChanges: [] };
}
