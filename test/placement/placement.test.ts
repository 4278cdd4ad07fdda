import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import { NO_LIVE_NODE } from "../../src/placement/owner.ts";
import { type PlacedNode, Placement, RING_KINDS, type RingKind } from "../../src/placement/placement.ts";
import { ownerAt, type Ring, shares } from "../../src/placement/ring.ts";

const fingerprint32 = loadFingerprint32();

const THREE = [equal("127.0.0.1:8127"), equal("127.0.0.1:8129"), equal("127.0.0.1:8131")];
const WEIGHTED = [
  { label: "statsd-a", weight: 1 },
  { label: "statsd-b", weight: 3 },
  { label: "[::1]:8125", weight: 2 },
];

test.each([
  ["foo", 1800414691],
  ["127.0.0.1:8127-0", 3521010170],
  ["127.0.0.1:8127-2047", 2168075759],
  ["statsd-b-6143", 1608093229],
  ["caf\u00e9", 3698664665],
])("fingerprint32(%j) = %d, as text and as bytes", (input, value) => {
  expect(fingerprint32(input)).toBe(value);
  expect(fingerprint32(Buffer.from(input))).toBe(value);
});

describe("no new version ever moves a name: the owner of", () => {
  const three = placementOf("farmhash", THREE);
  const weighted = placementOf("farmhash", WEIGHTED);

  test.each([
    ["gorets", "127.0.0.1:8131", "[::1]:8125"],
    ["glork", "127.0.0.1:8131", "statsd-b"],
    ["gaugor", "127.0.0.1:8127", "[::1]:8125"],
    ["uniques", "127.0.0.1:8127", "[::1]:8125"],
    ["foo", "127.0.0.1:8131", "statsd-b"],
    ["bar", "127.0.0.1:8131", "statsd-b"],
    ["page.views", "127.0.0.1:8127", "[::1]:8125"],
    ["users.online", "127.0.0.1:8131", "statsd-a"],
    ["a", "127.0.0.1:8129", "statsd-b"],
    ["web.requests", "127.0.0.1:8129", "statsd-b"],
    ["caf\xc3\xa9", "127.0.0.1:8131", "[::1]:8125"],
    ["caf\xe9", "127.0.0.1:8127", "[::1]:8125"],
    ["name;tag=v", "127.0.0.1:8131", "statsd-b"],
    ["app.logins{host=a}", "127.0.0.1:8129", "[::1]:8125"],
  ])("%j on farmhash rings", (name, ofThree, ofWeighted) => {
    expect(ownerOf(three, THREE, name)).toBe(ofThree);
    expect(ownerOf(weighted, WEIGHTED, name)).toBe(ofWeighted);
  });

  // The table of Etsy's: nodes 127.0.0.1:8127, 8129, 8131.
  test.each([
    ["gorets", 1770481096, "127.0.0.1:8127", "127.0.0.1:8131"],
    ["glork", 1621607770, "127.0.0.1:8129", "127.0.0.1:8129"],
    ["gaugor", 2879930233, "127.0.0.1:8129", "127.0.0.1:8129"],
    ["uniques", 1375536254, "127.0.0.1:8131", "127.0.0.1:8127"],
    ["foo", 3675831724, "127.0.0.1:8127", "127.0.0.1:8127"],
    ["bar", 421377335, "127.0.0.1:8129", "127.0.0.1:8127"],
    ["page.views", 506656135, "127.0.0.1:8129", "127.0.0.1:8129"],
    ["users.online", 2702054504, "127.0.0.1:8129", "127.0.0.1:8129"],
  ])("%j at %d on etsy and ketama rings", (name, position, etsy, ketama) => {
    for (const [kind, owner] of [["etsy", etsy] as const, ["ketama", ketama] as const]) {
      const placement = placementOf(kind, THREE);
      expect(positionOf(placement, name)).toBe(position);
      expect(ownerOf(placement, THREE, name)).toBe(owner);
    }
  });

  test.each([
    ["farmhash", "equal", THREE, "cf5e73dcef654cc60718726028471456c6cf77b30f778db9818ffc86042696bd"],
    ["farmhash", "weighted", WEIGHTED, "ca926f1a6968c51de2e58fafb54d1bdc6e3fe757d0826742c974bda30ca7eef6"],
    ["etsy", "equal", THREE, "0ca681bdd9ca8c31c5ebce1d731d7299027dac567e31647973d0313631bca3a7"],
    ["etsy", "weighted", WEIGHTED, "a942d8ea55ab512acb8f8b90b11d216f57268219f1c202f9a6a024dc849edded"],
    ["ketama", "equal", THREE, "5aeb1ec7f0486b850be3a1d6711d71d37271beadc1bfad94eb597a0d3d469a1c"],
    ["ketama", "weighted", WEIGHTED, "4ec913d3acb770abb203d53a2fa561080e214977538620b621fc066b222190da"],
  ] as const)("any name: every point of the %s ring of %s nodes", (kind, _, nodes, sha256) => {
    const points = pointsOf(placementOf(kind, nodes).full, nodes).map(([position, label]) => `${position} ${label}\n`);
    expect(new Bun.CryptoHasher("sha256").update(points.join("")).digest("hex")).toBe(sha256);
  });
});

describe("a node's points", () => {
  test.each([
    [1, 40],
    [2, 40],
    [6, 40],
    [7, 39],
    [8, 40],
    [14, 39],
    [28, 39],
    [49, 39],
    [56, 39],
    [64, 40],
    [98, 39],
    [103, 39],
    [112, 39],
  ])("of %d nodes each hashes %d of them, by hashring's rounding", (count, hashes) => {
    const nodes = Array.from({ length: count }, (_, i) => equal(`10.0.0.${i}:8125`));
    expect(placementOf("etsy", nodes).full.positions.length).toBe(count * hashes);
    expect(placementOf("ketama", nodes).full.positions.length).toBe(count * hashes * 4);
  });

  test("on a farmhash ring do not depend on the others", () => {
    for (const node of WEIGHTED) {
      const alone = pointsOf(placementOf("farmhash", [node]).full, [node]);
      const among = pointsOf(placementOf("farmhash", WEIGHTED).full, WEIGHTED);
      expect(among.filter(([, label]) => label === node.label)).toEqual(alone);
    }
  });
});

describe("points of two nodes at one position", () => {
  test.each([
    [["127.0.0.1:10", "127.0.0.1:948"], "127.0.0.1:10"],
    [["127.0.0.1:948", "127.0.0.1:10"], "127.0.0.1:948"],
  ])("on an etsy ring the first in the file owns it: %j", (labels, owner) => {
    const nodes = labels.map(equal);
    const placement = placementOf("etsy", nodes);
    const points = pointsOf(placement.full, nodes).filter(([position]) => position === 4268553978);
    expect(points.map(([, label]) => label)).toEqual(labels);
    for (const name of ["name50", "name91", "name133"]) expect(ownerOf(placement, nodes, name)).toBe(owner);
  });

  test("on a farmhash ring the first label owns it, whatever the order in the file", () => {
    const crowded = (input: string | Buffer) => fingerprint32(input) % 1000;
    fc.assert(
      fc.property(shuffledNodes, (nodes) => {
        const placement = new Placement("farmhash", nodes, crowded);
        const points = pointsOf(placement.full, nodes);
        expect(points).toEqual([...points].sort(([p, a], [q, b]) => p - q || (a < b ? -1 : Number(a > b))));
        const byLabel = [...nodes].sort((a, b) => (a.label < b.label ? -1 : 1));
        expect(points).toEqual(pointsOf(new Placement("farmhash", byLabel, crowded).full, byLabel));
      }),
      { numRuns: 20 },
    );
  });
});

describe("placement", () => {
  test("on a farmhash ring does not depend on the order of the nodes in the file", () => {
    fc.assert(
      fc.property(shuffledNodes, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (nodes, coins) => {
        const byLabel = [...nodes].sort((a, b) => (a.label < b.label ? -1 : 1));
        const isUp = new Map(byLabel.map(({ label }, i) => [label, coins[i]]));
        const [one, other] = [nodes, byLabel].map((order) => {
          const ring = placementOf("farmhash", order).live(order.map(({ label }) => isUp.get(label) === true));
          return pointsOf(ring, order);
        });
        expect(one).toEqual(other);
      }),
      { numRuns: 20 },
    );
  });

  test.each(RING_KINDS)("on an %s ring depends only on which nodes are up, not on what was before", (kind) => {
    const nodes = Array.from({ length: 5 }, (_, i) => ({ label: `10.0.0.${i}:8125`, weight: 1 + (i % 2) }));
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 4 }), { maxLength: 12 }), (toggled) => {
        const placement = placementOf(kind, nodes);
        const isUp = nodes.map(() => true);
        for (const node of toggled) {
          isUp[node] = !isUp[node];
          placement.live(isUp);
        }
        expect(placement.live(isUp)).toEqual(placementOf(kind, nodes).live(isUp));
        expect(placement.live(nodes.map(() => true))).toEqual(placement.full);
      }),
      { numRuns: 20 },
    );
  });

  test("on a farmhash ring: a node that leaves moves its names and no others, and gets exactly those back", () => {
    fc.assert(
      fc.property(shuffledNodes, names, fc.array(fc.nat({ max: 5 }), { maxLength: 6 }), (nodes, names, toggled) => {
        const placement = placementOf("farmhash", nodes);
        const isUp = nodes.map(() => true);
        const positions = names.map((name) => positionOf(placement, name));
        const ownersOn = (ring: Ring) => positions.map((position) => ownerAt(ring, position));
        let before = ownersOn(placement.full);
        for (const toggle of toggled) {
          const node = toggle % nodes.length;
          isUp[node] = !isUp[node];
          const after = ownersOn(placement.live(isUp));
          names.forEach((_, i) => {
            if (before[i] !== after[i]) expect(isUp[node] ? after[i] : before[i]).toBe(node);
            else expect(after[i] === node && !isUp[node]).toBe(false);
          });
          before = after;
        }
        isUp.fill(true);
        expect(ownersOn(placement.live(isUp))).toEqual(ownersOn(placementOf("farmhash", nodes).full));
      }),
      { numRuns: 30 },
    );
  });

  test.each(RING_KINDS)("on an %s ring: without a live node, names have no owner", (kind) => {
    const ring = placementOf(kind, THREE).live([false, false, false]);
    expect(ring.positions.length).toBe(0);
    expect(ownerAt(ring, 5)).toBe(NO_LIVE_NODE);
  });

  test("reads the name's part of the bytes, and no more", () => {
    const bytes = Buffer.from("xxfoo:1|c");
    for (const kind of RING_KINDS) {
      const placement = placementOf(kind, THREE);
      expect(placement.position(bytes, 2, 5)).toBe(positionOf(placement, "foo"));
    }
  });

  test.each([
    ["an invalid byte", "caf\xe9", "caf\ufffd"],
    ["a sequence that is cut short", "x\xf0\x9f\x92", "x\ufffd"],
    ["a surrogate", "\xed\xa0\x80", "\ufffd\ufffd\ufffd"],
    ["an overlong form", "\xc0\xaf", "\ufffd\ufffd"],
    ["a byte order mark", "\xef\xbb\xbffoo", "\ufefffoo"],
  ])("on etsy and ketama rings %s hashes as Node.js decodes it", (_, name, decoded) => {
    for (const kind of ["etsy", "ketama"] as const) {
      const placement = placementOf(kind, THREE);
      expect(positionOf(placement, name)).toBe(positionOf(placement, Buffer.from(decoded).toString("latin1")));
    }
  });
});

describe("shares", () => {
  test.each<[string, (i: number) => string]>([
    ["ports", (i) => `127.0.0.1:${8125 + i}`],
    ["addresses", (i) => `10.0.0.${i + 1}:8125`],
    ["host names", (i) => `statsd-${i}.example.com:8125`],
    ["IPv6 addresses", (i) => `[fd00::${i}]:8125`],
    ["letters", (i) => "abcdefghij"[i]],
    ["names", (i) => `backend${String(i).padStart(2, "0")}`],
    ["long names", (i) => `${"x".repeat(200)}${i}`],
  ])("of 10 nodes on a farmhash ring are within 10%% of even: %s", (_, labelOf) => {
    const nodes = Array.from({ length: 10 }, (_, i) => equal(labelOf(i)));
    for (const share of shares(placementOf("farmhash", nodes).full, nodes.length)) {
      expect(share).toBeGreaterThan(0.09);
      expect(share).toBeLessThan(0.11);
    }
  });

  test("follow the weights", () => {
    for (const [kind, tolerance] of [["farmhash", 0.03] as const, ["ketama", 0.1] as const]) {
      const [a, b, c] = shares(placementOf(kind, WEIGHTED).full, 3);
      for (const [share, weight] of [
        [a, 1],
        [b, 3],
        [c, 2],
      ])
        expect(Math.abs(share - weight / 6)).toBeLessThan(tolerance);
    }
  });

  test.each(RING_KINDS)("of an %s ring add up to 1 as long as a node is up", (kind) => {
    const placement = placementOf(kind, THREE);
    for (const isUp of [
      [true, true, true],
      [true, false, true],
      [false, false, true],
    ]) {
      const found = shares(placement.live(isUp), 3);
      expect(found.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      isUp.forEach((up, node) => void expect(found[node] > 0).toBe(up));
    }
  });
});

const shuffledNodes: fc.Arbitrary<PlacedNode[]> = fc.uniqueArray(
  fc.record({
    label: fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65535 })).map(([host, port]) => `${host}:${port}`),
      fc.stringMatching(/^[a-zA-Z0-9_.\u00e9-]{1,12}$/),
    ),
    weight: fc.integer({ min: 1, max: 2 }),
  }),
  { minLength: 1, maxLength: 6, selector: ({ label }) => label },
);

const names = fc.array(fc.string({ minLength: 1, unit: "binary" }), { minLength: 20, maxLength: 100 });

function equal(label: string): PlacedNode {
  return { label, weight: 1 };
}

function placementOf(kind: RingKind, nodes: readonly PlacedNode[]): Placement {
  return new Placement(kind, nodes, fingerprint32);
}

/** Position of a name; latin1, a character a byte. */
function positionOf(placement: Placement, name: string): number {
  const bytes = Buffer.from(name, "latin1");
  return placement.position(bytes, 0, bytes.length);
}

function ownerOf(placement: Placement, nodes: readonly PlacedNode[], name: string): string {
  return nodes[ownerAt(placement.full, positionOf(placement, name))].label;
}

function pointsOf(ring: Ring, nodes: readonly PlacedNode[]): [position: number, label: string][] {
  return Array.from(ring.positions, (position, i) => [position, nodes[ring.owners[i]].label]);
}

describe("a placement that follows another", () => {
  const nodes = fc.uniqueArray(
    fc.record({ label: fc.constantFrom(..."abcdefgh"), weight: fc.integer({ min: 1, max: 3 }) }),
    { selector: ({ label }) => label, minLength: 1 },
  );
  /** Positions collide all the time: ties must go as they do in one that follows none. */
  const crowded = (input: string | Buffer) => fingerprint32(input) % 5000;

  test("is the one that the same nodes have by themselves", () => {
    fc.assert(
      fc.property(fc.constantFrom(...RING_KINDS), nodes, nodes, fc.boolean(), (kind, one, other, crowds) => {
        const hash = crowds ? crowded : fingerprint32;
        const before = new Placement(kind, one, hash);
        const steps = Placement.steps(kind, other, hash, before);
        let step = steps.next();
        while (!step.done) step = steps.next();
        expect(step.value.full).toEqual(new Placement(kind, other, hash).full);
      }),
      { numRuns: 60 },
    );
  });

  /** How many texts it has hashed. */
  function counted() {
    const counter = { hashed: 0 };
    const hash = (input: string | Buffer) => {
      counter.hashed++;
      return fingerprint32(input);
    };
    return { counter, hash };
  }

  test("hashes only the nodes that are new", () => {
    const labels = Array.from({ length: 20 }, (_, i) => ({ label: `n${i}`, weight: 1 }));
    const before = new Placement("farmhash", labels, fingerprint32);
    const { counter, hash } = counted();
    const added = [...labels.slice(1), { label: "new", weight: 3 }, { label: "newer", weight: 1 }];
    const steps = Placement.steps("farmhash", added, hash, before);
    while (!steps.next().done);
    expect(counter.hashed).toBe(4 * 2048);
  });

  test("pauses after as many hashes, whether a node has more or fewer", () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ label: `n${i}`, weight: 1 }));
    for (const nodes of [many, [{ label: "heavy", weight: 100 }]]) {
      const { counter, hash } = counted();
      const steps = Placement.steps("farmhash", nodes, hash, undefined);
      const took: number[] = [];
      for (let before = 0; !steps.next().done; before = counter.hashed) took.push(counter.hashed - before);
      expect(took).toEqual(Array(12).fill(16_384));
    }
  });
});
