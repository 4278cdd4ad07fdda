/**
 * Placement: the points of the nodes on a ring, and the position of a name. Three kinds, each exact:
 *
 * - `farmhash`: `fingerprint32("label-i")`. A node's points do not depend on the other nodes, so when a node leaves
 *   only its names move, and the order of the nodes in the file does not matter.
 * - `etsy`: like statsd's proxy.js since 0.8 (npm hashring 3.2.0 with no replicas).
 * - `ketama`: like proxy.js 0.7 (npm hashring 1.0.1): the same points, plus three more from each digest.
 *
 * In the latter two, a node's number of points depends on how many nodes are alive, through rounding down: with 7, 14,
 * 28 ... nodes it is 39, not 40. So a node that leaves may move a few names of the others. Those relays do this, and
 * being exact means doing it too.
 */
import { fingerprint32 } from "./fingerprint32.ts";
import { mergedRing, type NodePoints, type Ring, ringOf, ringOfLive } from "./ring.ts";

export const RING_KINDS = ["farmhash", "etsy", "ketama"] as const;
export type RingKind = (typeof RING_KINDS)[number];

/** FarmHash's fingerprint32 of a text in UTF-8, or of bytes. It is the same on every platform (unlike its `hash32`). */
export type Fingerprint32 = (input: string | Buffer) => number;

export interface PlacedNode {
  /** What is hashed: the node's name, else `host:port`. */
  readonly label: string;
  /** Its share of the ring relative to the others; an integer from 1. */
  readonly weight: number;
}

/**
 * Points of a node of weight 1 on a `farmhash` ring. It is part of the placement, so it never changes.
 *
 * Measured with 60 sets of 10 labels (addresses, host names): the share furthest from even is off by 4.1% in the median
 * and 6.0% at worst (1024 points: 5.2% and 9.1%; 512: 8.0% and 11.5%); the worst set found since is off by 7.8%.
 * Placing 100 nodes takes 45 ms, once per start.
 */
const VNODES = 2048;

/** At 230 ns each. A busy proxy may sleep for `gather` between two steps. */
const HASHES_PER_STEP = 16_384;

const DIGEST = Buffer.alloc(16);

/** Hashes per node for the points of `etsy` and `ketama` rings, before rounding (hashring's "vnode count"). */
const KETAMA_VNODES = 40;

/** Where names go, for one set of nodes and any combination of live ones. */
export class Placement {
  /** The ring with all nodes up. */
  readonly full: Ring;
  private readonly kind: RingKind;
  private readonly nodes: readonly PlacedNode[];
  private readonly pointOf: Fingerprint32;

  /**
   * @param pointOf what hashes the points of a `farmhash` ring
   * @param full the ring of all nodes, if it is known
   */
  constructor(kind: RingKind, nodes: readonly PlacedNode[], pointOf: Fingerprint32, full?: Ring) {
    this.kind = kind;
    this.nodes = nodes;
    this.pointOf = pointOf;
    this.full =
      full ?? (kind === "farmhash" ? lastOf(this.farmhashRing(undefined)) : this.liveKetama(nodes.map(() => true)));
  }

  /**
   * The same as the constructor, in steps of some four milliseconds, for a proxy that relays meanwhile.
   * @param before nodes that it has placed keep their points: with 100 nodes, one more costs 3 ms instead of 45
   */
  static *steps(
    kind: RingKind,
    nodes: readonly PlacedNode[],
    pointOf: Fingerprint32,
    before: Placement | undefined,
  ): Generator<void, Placement> {
    if (kind !== "farmhash") return new Placement(kind, nodes, pointOf);
    const empty = new Placement(kind, nodes, pointOf, {
      positions: new Uint32Array(),
      owners: new Uint16Array(),
    });
    const full = yield* empty.farmhashRing(before?.kind === kind ? before : undefined);
    return new Placement(kind, nodes, pointOf, full);
  }

  /** The ring of the live nodes. */
  live(isUp: readonly boolean[]): Ring {
    if (isUp.every(Boolean)) return this.full;
    return this.kind === "farmhash" ? ringOfLive(this.full, isUp) : this.liveKetama(isUp);
  }

  /** Whether a position costs less than remembering it. */
  get isCheap(): boolean {
    return this.kind === "farmhash";
  }

  /** Position of the name `bytes[start, end)` on the circle. */
  position(bytes: Buffer, start: number, end: number): number {
    if (this.kind === "farmhash") return fingerprint32(bytes, start, end);
    // Etsy's proxy hashes the decoded string, so an invalid byte counts as U+FFFD.
    return littleEndian32(md5(bytes.toString("utf8", start, end)), 0);
  }

  private *farmhashRing(before: Placement | undefined): Generator<void, Ring> {
    const { nodes, pointOf } = this;
    const ranks = new Uint16Array(nodes.length);
    [...nodes.keys()]
      .sort((a, b) => (nodes[a].label < nodes[b].label ? -1 : 1))
      .forEach((node, rank) => {
        ranks[node] = rank;
      });
    const indexOf = new Map(nodes.map((node, i) => [node.label, i]));
    const placed = before?.nodes ?? [];
    const indexes = Int32Array.from(placed, ({ label, weight }) => {
      const node = indexOf.get(label);
      return node !== undefined && nodes[node].weight === weight ? node : -1;
    });
    const kept = new Set(indexes);
    const added: NodePoints[] = [];
    let hashed = 0;
    for (const [node, { label, weight }] of nodes.entries()) {
      if (kept.has(node)) continue;
      const positions = new Uint32Array(VNODES * weight);
      for (let i = 0; i < positions.length; i++) {
        positions[i] = pointOf(`${label}-${i}`);
        if (++hashed % HASHES_PER_STEP === 0) yield;
      }
      added.push({ node, rank: ranks[node], positions });
    }
    const ring = ringOf(added);
    return before === undefined ? ring : mergedRing(before.full, indexes, ring, ranks);
  }

  private liveKetama(isUp: readonly boolean[]): Ring {
    const digestWords = this.kind === "ketama" ? 4 : 1;
    return ringOf(ketamaPoints(this.nodes, isUp, digestWords));
  }
}

/** What a generator comes to, without a pause. */
function lastOf<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

function ketamaPoints(nodes: readonly PlacedNode[], isUp: readonly boolean[], digestWords: number): NodePoints[] {
  const live = nodes.map((placed, node) => ({ ...placed, node })).filter(({ node }) => isUp[node]);
  const total = live.reduce((sum, { weight }) => sum + 100 * weight, 0);
  return live.map(({ label, weight, node }) => {
    // Same order of operations on doubles as in hashring: it decides between 39 and 40.
    const hashes = Math.floor(((100 * weight) / total) * KETAMA_VNODES * live.length);
    const positions = new Uint32Array(hashes * digestWords);
    for (let i = 0; i < hashes; i++) {
      const digest = md5(`${label}-${i}`);
      for (let j = 0; j < digestWords; j++) positions[i * digestWords + j] = littleEndian32(digest, j);
    }
    return { node, rank: node, positions };
  });
}

/** The digest, valid until the next call: 220 ns, where `new Bun.CryptoHasher("md5")` takes 480. */
function md5(text: string): Buffer {
  Bun.MD5.hash(text, DIGEST);
  return DIGEST;
}

function littleEndian32(digest: Buffer, word: number): number {
  return digest.readUInt32LE(word * 4);
}
