/**
 * What operators have said of nodes (`node NAME drain|up|down`), and what must come of it: a word is in force as soon as
 * it is said, and until another is said or the node leaves the configuration, whatever is changed meanwhile.
 */
import type { OperatorWord } from "../../src/health/nodeHealth.ts";
import type { Host } from "./hosts.ts";
import type { Insides, Node } from "./insides.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** What a node had at the last look. */
interface Seen {
  readonly dropped: number;
  readonly atMs: number;
}

export class WordOracle {
  /** Words that were said and changed something. */
  said = 0;
  private readonly world: World;
  private readonly machine: Machine;
  private readonly proxy: Insides;
  private readonly hosts: ReadonlyMap<string, Host>;
  /** By label: what is in force. A node that is not in it goes by its checks. */
  private readonly words = new Map<string, OperatorWord>();
  /** By label and word: how often it was asked for. */
  private readonly asked = new Map<string, number>();
  /** By label and word: when it was in force last. */
  private readonly endedAtMs = new Map<string, number>();
  private readonly seen = new Map<Node, Seen>();
  /** Labels of those that a word has taken out since the last look. */
  private readonly takenOut = new Set<string>();

  constructor(world: World, machine: Machine, proxy: Insides, hosts: ReadonlyMap<string, Host>) {
    this.world = world;
    this.machine = machine;
    this.proxy = proxy;
    this.hosts = hosts;
  }

  /** An operator is about to say it. */
  asks(label: string, word: OperatorWord): void {
    const key = `${label} ${word}`;
    this.asked.set(key, (this.asked.get(key) ?? 0) + 1);
  }

  /** The log says that a node is set: the word counts from this moment on. */
  set(label: string, from: string, to: OperatorWord): void {
    const { world, words } = this;
    const before = this.wordOf(label);
    if (from !== before) world.violated(`${label} is set from ${from}, and was ${before}`);
    if (!this.asked.has(`${label} ${to}`)) world.violated(`${label} is set ${to}, and nobody asked for it`);
    this.endedAtMs.set(`${label} ${before}`, world.nowMs);
    words.set(label, to);
    this.said++;
    if (before === "up") this.takenOut.add(label);
  }

  /** In force now. */
  wordOf(label: string): OperatorWord {
    return this.words.get(label) ?? "up";
  }

  /** Whether it has been in force at some time since. */
  wasInForce(label: string, word: OperatorWord, sinceMs: number): boolean {
    return this.wordOf(label) === word || (this.endedAtMs.get(`${label} ${word}`) ?? 0) >= sinceMs;
  }

  look(): void {
    const { world, proxy, words, seen } = this;
    const { nodes } = proxy;
    for (const label of words.keys()) if (!nodes.some((node) => node.label === label)) words.delete(label);
    for (const node of nodes) {
      const { label, health, isUp } = node;
      const word = this.wordOf(label);
      if (health.word !== word) world.violated(`${label} goes by ${health.word}, and operators said ${word}`);
      if (isUp !== (health.isWell && word === "up")) world.violated(`${label} is ${isUp ? "in" : "out"}: ${word}`);
      this.lookForDropped(node);
    }
    this.takenOut.clear();
    for (const node of seen.keys()) if (!nodes.includes(node)) seen.delete(node);
  }

  /** What was pending for a node when it was taken out is sent, if the way to it takes it. */
  private lookForDropped(node: Node): void {
    const { world, machine, seen } = this;
    const { send_error, send_buffer_full } = node.counters.linesDropped;
    const dropped = send_error + send_buffer_full;
    const before = seen.get(node);
    const host = node.address === undefined ? undefined : this.hosts.get(node.address);
    // A link that is opened anew takes nothing meanwhile.
    const troubledMs = Math.max(host?.troubledMs ?? 0, machine.openings > 0 ? world.awakeMs : machine.openingEndedMs);
    const isWayFree = host !== undefined && before !== undefined && troubledMs < before.atMs;
    if (isWayFree && this.takenOut.has(node.label) && dropped > before.dropped) {
      world.violated(`${dropped - before.dropped} lines for ${node.label} are dropped when it is taken out`);
    }
    seen.set(node, { dropped, atMs: world.awakeMs });
  }
}
