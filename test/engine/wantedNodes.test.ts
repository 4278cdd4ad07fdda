import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readConfig } from "../../src/config/config.ts";
import { hostsOf, type WantedNodes, wantedNodes } from "../../src/engine/wantedNodes.ts";
import { backendAddresses } from "../../src/net/ipAddress.ts";
import type { Resolution } from "../../src/net/resolver.ts";
import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import { Placement, RING_KINDS } from "../../src/placement/placement.ts";
import { ownerAt } from "../../src/placement/ring.ts";

type Names = Readonly<Record<string, readonly string[]>>;

interface NodeSettings {
  readonly host: string;
  readonly port: number;
  readonly [key: string]: unknown;
}

const discover = (host: string, more: object = {}): NodeSettings => ({ host, port: 8125, discover: true, ...more });

function wanted(nodes: readonly NodeSettings[], names: Names, gone: readonly string[] = [], own = ""): WantedNodes {
  const { config, errors } = readConfig(JSON.stringify({ nodes }));
  if (config === undefined) throw new Error(JSON.stringify(errors));
  const resolutionOf = (host: string): Resolution => {
    const addresses = names[host] ?? (/^[\d.]+$|:/.test(host) ? [host] : []);
    return { addresses, isGone: gone.includes(host), failure: addresses.length === 0 ? "no" : undefined };
  };
  return wantedNodes(config.nodes, resolutionOf, (address, port) => `${address}:${port}` === own);
}

const labels = ({ nodes }: WantedNodes) => nodes.map(({ config }) => config.label);

describe("a node", () => {
  test("with an address has that, and no name", () => {
    const { nodes } = wanted([{ host: "10.0.0.1", port: 8125, name: "a" }], {});
    expect(nodes).toMatchObject([
      { at: "nodes[0]", hostName: undefined, addresses: ["10.0.0.1"], config: { label: "a" } },
    ]);
  });

  test("with a name has the name's addresses, and stays one node", () => {
    const { nodes } = wanted([{ host: "statsd", port: 8125 }], { statsd: ["10.0.0.1", "::1"] });
    expect(nodes).toMatchObject([
      { hostName: "statsd", addresses: ["10.0.0.1", "::1"], config: { label: "statsd:8125", host: "statsd" } },
    ]);
  });

  test("whose name does not resolve is there, without addresses, and so it is when the name is gone", () => {
    expect(wanted([{ host: "statsd", port: 8125 }], {}).nodes).toMatchObject([{ addresses: [], failure: "no" }]);
    const { nodes } = wanted([{ host: "statsd", port: 8125 }], { statsd: ["10.0.0.1"] }, ["statsd"]);
    expect(nodes).toMatchObject([{ addresses: ["10.0.0.1"] }]);
  });
});

describe("discovered nodes", () => {
  test("are one for each address, labelled by it, with the settings of their entry", () => {
    const { nodes } = wanted([discover("statsd", { weight: 3, managementport: 8126 })], {
      statsd: ["10.0.0.1", "10.0.0.2", "fd00::1"],
    });
    expect(nodes.map(({ config, ...node }) => ({ ...node, label: config.label }))).toEqual(
      ["10.0.0.1", "10.0.0.2", "fd00::1"].map((address) => ({
        ...{ at: "nodes[0]", hostName: "statsd", addresses: [address], failure: undefined },
        label: address.includes(":") ? `[${address}]:8125` : `${address}:8125`,
      })),
    );
    for (const { config } of nodes) {
      expect(config).toMatchObject({
        weight: 3,
        managementport: 8126,
        host: config.label.replace(/^\[?(.*?)\]?:8125$/, "$1"),
      });
    }
  });

  test("come after the others, in the order of addresses, then ports, whatever names they are behind", () => {
    const nodes = [
      discover("b", { port: 9 }),
      { host: "10.9.9.9", port: 1 },
      discover("a"),
      discover("b", { port: 10 }),
    ];
    expect(labels(wanted(nodes, { a: ["10.0.0.10", "::1"], b: ["10.0.0.2"] }))).toEqual([
      ...["10.9.9.9:1", "10.0.0.2:9", "10.0.0.2:10", "10.0.0.10:8125", "[::1]:8125"],
    ]);
  });

  test.each<[string, NodeSettings]>([
    ["with that address", { host: "10.0.0.1", port: 8125, name: "ours", weight: 7 }],
    ["with a name that has that address", { host: "one", port: 8125, weight: 7 }],
    ["with that label", { host: "10.7.7.7", port: 8125, name: "10.0.0.1:8125", weight: 7 }],
  ])("are no second node beside one %s", (_, node) => {
    const { nodes } = wanted([discover("statsd"), node], { statsd: ["10.0.0.1", "10.0.0.2"], one: ["10.0.0.1"] });
    expect(nodes.map(({ config }) => config.weight)).toEqual([7, 1]);
    expect(nodes[1].config.label).toBe("10.0.0.2:8125");
  });

  test("however an address is written, it is one node", () => {
    expect(labels(wanted([{ host: "0:0:0::1", port: 8125 }, discover("statsd")], { statsd: ["::1"] }))).toEqual([
      "[0:0:0::1]:8125",
    ]);
  });

  test("behind two names are one, with the settings of the first", () => {
    const names = { a: ["10.0.0.1"], b: ["10.0.0.1"] };
    expect(wanted([discover("b", { weight: 2 }), discover("a")], names).nodes).toMatchObject([
      { hostName: "b", config: { weight: 2 } },
    ]);
  });

  test("are none when the name is gone, or was never there", () => {
    expect(labels(wanted([discover("statsd")], { statsd: ["10.0.0.1"] }, ["statsd"]))).toEqual([]);
    expect(labels(wanted([discover("statsd")], {}))).toEqual([]);
  });
});

test("the proxy's own address is no node's: of a name the others are left, and it is told", () => {
  const names = { statsd: ["10.0.0.1", "10.0.0.2"], one: ["10.0.0.1"] };
  const { nodes, own } = wanted([discover("statsd"), { host: "one", port: 8125 }], names, [], "10.0.0.1:8125");
  expect(nodes.map(({ config, addresses }) => [config.label, ...addresses])).toEqual([
    ["one:8125"],
    ["10.0.0.2:8125", "10.0.0.2"],
  ]);
  expect(nodes[0].failure).toBe("the proxy itself listens here: metrics would loop");
  expect(own.map(({ at, address }) => [at, address])).toEqual([
    ["nodes[0]", "10.0.0.1"],
    ["nodes[1]", "10.0.0.1"],
  ]);
});

test("names are asked for, of every entry", () => {
  const { config } = readConfig(JSON.stringify({ nodes: [{ host: "a", port: 1 }, discover("b")] }));
  expect(hostsOf(config?.nodes ?? [])).toEqual(["a", "b"]);
});

describe("placement follows from the set of addresses alone", () => {
  const octet = fc.integer({ min: 1, max: 254 });
  const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => `10.${octets.slice(1).join(".")}`);
  const ipv6 = fc.integer({ min: 1, max: 0xffff }).map((group) => `fd00::${group.toString(16)}`);
  const set = fc.uniqueArray(fc.oneof(ipv4, ipv6), { minLength: 1, maxLength: 12 });
  const fingerprint32 = loadFingerprint32();

  test.each(RING_KINDS)("in any order of discovery, and whichever name they are behind: %s", (ring) => {
    fc.assert(
      fc.property(
        set.chain((addresses) => fc.tuple(fc.constant(addresses), shuffled(addresses), fc.nat(addresses.length))),
        fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 50, maxLength: 50 }),
        ([addresses, others, split], positions) => {
          const one = { a: backendAddresses(addresses), b: [] };
          const other = { a: backendAddresses(others.slice(0, split)), b: backendAddresses(others.slice(split)) };
          const owners = [one, other].map((names) => {
            const nodes = wanted([discover("a"), discover("b")], names).nodes.map(({ config }) => config);
            const { full } = new Placement(ring, nodes, fingerprint32);
            return positions.map((position) => nodes[ownerAt(full, position)].label);
          });
          expect(owners[1]).toEqual(owners[0]);
        },
      ),
      { numRuns: 40 },
    );
  });
});

function shuffled<T>(all: T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray(all, { minLength: all.length });
}
