import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { changedKeys, changedNodeKeys } from "../../src/config/changes.ts";
import { type Config, type NodeConfig, readConfig } from "../../src/config/config.ts";
import { NODE_KEYS, TOP_KEYS } from "../../src/config/keys.ts";

const NODE = { host: "127.0.0.1", port: 8130 };

/** A value of each key that is not its default. */
const OTHERS = {
  host: "127.0.0.2",
  port: 9125,
  reusePort: true,
  managementhost: "127.0.0.2",
  managementport: 9126,
  httphost: "127.0.0.2",
  httpport: 9127,
  nodes: [NODE, { ...NODE, port: 8131 }],
  checkInterval: 500,
  fall: 3,
  rise: 4,
  resolveInterval: 1000,
  mirror: true,
  ring: "ketama",
  failover: "hold",
  cacheSize: 0,
  types: ["c"],
  maxDatagramBytes: 0,
  gather: 0,
  receiveBuffer: 4096,
  selfMetrics: { interval: 1000 },
} satisfies { [Key in keyof Config]-?: unknown };

const SOCKETS = ["host", "port", "managementhost", "managementport", "httphost", "httpport"];

describe("a changed key", () => {
  test.each(Object.keys(OTHERS))("%s is told, with what the change takes", (key) => {
    const change = SOCKETS.includes(key) ? "reopen" : "live";
    const [before, after] = [configOf({}), configOf({ [key]: OTHERS[key as keyof typeof OTHERS] })];
    expect(changedKeys(before, after)).toEqual([{ key, change }] as ReturnType<typeof changedKeys>);
    expect(changedKeys(after, before)).toEqual([{ key, change }] as ReturnType<typeof changedKeys>);
  });

  test.each([{ address_ipv6: true }, { udp_version: "udp6", ring: "farmhash" }])("%j is one of host", (settings) => {
    expect(changedKeys(configOf({}), configOf(settings))).toEqual([{ key: "host", change: "reopen" }]);
  });

  test.each([
    { selfMetrics: { prefix: "other", interval: 1000 } },
    { selfMetrics: { prefix: "statsd_proxy", interval: 1001 } },
  ])("within selfMetrics is told as that: %j", (settings) => {
    const before = configOf({ selfMetrics: OTHERS.selfMetrics });
    expect(changedKeys(before, configOf(settings))).toEqual([{ key: "selfMetrics", change: "live" }]);
  });

  test.each([
    [{ name: "blue", weight: 2 }, []],
    [{ name: "blue", weight: 3 }, [{ key: "weight", change: "live" }]],
    [{ name: "blue", weight: 2, port: 8131 }, [{ key: "port", change: "reopen" }]],
    [{ name: "blue", weight: 2, host: "::1" }, [{ key: "host", change: "reopen" }]],
    [{ name: "blue", weight: 2, managementport: 8140 }, [{ key: "managementport", change: "reopen" }]],
  ] as const)("of a node is told: %j", (settings, changes) => {
    const [before] = configOf({ nodes: [{ ...NODE, name: "blue", weight: 2 }] }).nodes;
    const [after] = configOf({ nodes: [{ ...NODE, ...settings }] }).nodes;
    expect(changedNodeKeys(before, after)).toEqual(changes as unknown as ReturnType<typeof changedNodeKeys>);
  });
});

describe("whatever the file says", () => {
  const settings = fc.record(
    Object.fromEntries(Object.entries(OTHERS).map(([key, other]) => [key, fc.constant<unknown>(other)])),
    { requiredKeys: [] },
  );

  test("equal configurations have no changed keys", () => {
    fc.assert(
      fc.property(settings, (settings) => {
        const [one, other] = [configOf(settings), configOf(settings)];
        expect(changedKeys(one, other)).toEqual([]);
        for (const [i, node] of one.nodes.entries()) expect(changedNodeKeys(node, other.nodes[i])).toEqual([]);
      }),
    );
  });

  test("those of two files are the keys whose values differ", () => {
    fc.assert(
      fc.property(settings, settings, (one, other) => {
        const differing = Object.keys(OTHERS).filter((key) => key in one !== key in other);
        const changes = changedKeys(configOf(one), configOf(other));
        expect(changes.map(({ key }): string => key).sort()).toEqual(differing.sort());
      }),
    );
  });
});

test("every key of a configuration, and of a node, is in the table with what its change takes", () => {
  const config: Required<Config> = { gather: 0, selfMetrics: { prefix: "", interval: 1 }, ...configOf({}) };
  for (const key of Object.keys(config)) expect(TOP_KEYS).toHaveProperty([key, "change"]);
  const { label: _, ...node }: NodeConfig = config.nodes[0];
  for (const key of Object.keys(node)) expect(NODE_KEYS).toHaveProperty([key, "change"]);
});

function configOf(settings: object): Config {
  const { config, errors } = readConfig(JSON.stringify({ nodes: [NODE], ring: "farmhash", ...settings }));
  if (config === undefined) throw new Error(JSON.stringify(errors));
  return config;
}
