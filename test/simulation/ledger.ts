/**
 * The books of the simulation: what was sent to the proxy, what must become of each line, and what became of it. Each
 * datagram is compared when it is relayed: the proxy's counters must grow by exactly what another parser and another
 * placement say.
 */

import { violations } from "../../src/observe/invariants.ts";
import { REJECT_REASONS, Verdict } from "../../src/protocol/line.ts";
import { type NaiveLine, naiveLines } from "../support/naiveLines.ts";
import { SLOTS, slotOfLabel } from "./addresses.ts";
import type { Insides } from "./insides.ts";
import type { MetricsSocket } from "./metricsSocket.ts";
import { ownersOf } from "./placementOracle.ts";
import type { WordOracle } from "./wordOracle.ts";
import type { World } from "./world.ts";

const LF = 0x0a;

/** What the proxy's own metrics begin with. */
export const OWN_PREFIX = "own_metrics";

interface Line {
  readonly name: string;
  /** When it was relayed, among all lines. */
  readonly order: number;
  /** Bits of the slots that it must go to, and of those that it went to. */
  readonly due: number;
  sent: number;
}

/** What the proxy must have counted after a datagram. */
interface Expected {
  readonly lines: readonly NaiveLine[];
  readonly packets: number;
  readonly received: number;
  accepted: number;
  readonly rejected: number[];
  unowned: number;
  readonly internalErrors: number;
  /** Of each node: lines due to it, and of these those for which it is out. */
  readonly due: number[];
  readonly out: number[];
}

export class Ledger {
  readonly world: World;
  readonly sockets: MetricsSocket[] = [];
  /** Errors of the program's own that the simulation has thrown. */
  thrown = 0;
  /** Lines that were handed to the kernel. */
  relayed = 0;
  ownRelayed = 0;
  /** Refusals that the kernel has told the proxy of. */
  refusals = 0;
  linesRead = 0;
  linesAccepted = 0;
  /** Slots whose order is not looked at any more: a node came back while the one of before had lines to send. */
  readonly outOfOrder = new Set<number>();
  /** The most bytes of a datagram with several lines, of all configurations so far. */
  datagramBytesMax = 0;
  private proxy: Insides | undefined;
  private words: WordOracle | undefined;
  private readonly lines = new Map<string, Line>();
  /** By slot and name: the order of the last line. */
  private readonly lastOrders = Array.from({ length: SLOTS }, () => new Map<string, number>());
  /** What was read before the proxy had started: by verdict. */
  private readonly readEarly: NaiveLine[] = [];
  private arriving: { readonly expected: Expected | undefined; readonly thrown: number } | undefined;
  private totals: readonly number[] = [];

  constructor(world: World) {
    this.world = world;
  }

  /** The proxy has started. */
  attach(proxy: Insides, words: WordOracle): void {
    this.proxy = proxy;
    this.words = words;
    if (this.readEarly.length > 0)
      this.world.violated(`${this.readEarly.length} lines were read before the start was over`);
  }

  /** A datagram is handed to the proxy. */
  arrives(datagram: Buffer): void {
    const { proxy } = this;
    const text = datagram.toString("latin1");
    if (proxy === undefined) this.readEarly.push(...naiveLines(text));
    this.arriving = { expected: proxy && this.expectedOf(proxy, text), thrown: this.thrown };
  }

  /** It is back. Returns whether it was relayed. */
  arrived(): boolean {
    const { proxy, arriving, world } = this;
    this.arriving = undefined;
    const { expected, thrown } = arriving ?? {};
    if (proxy === undefined || expected === undefined) return true;
    const { counters } = proxy;
    const { lines } = expected;
    if (counters.packetsReceived < expected.packets) {
      for (const { text } of lines) this.lines.delete(text);
      return false;
    }
    world.note("datagram", lines.length);
    this.linesRead += lines.length;
    if (this.thrown === thrown) this.compare(proxy, expected);
    // A part of it was relayed, and the rest is counted as failed.
    else this.same("internal errors", counters.internalErrors, expected.internalErrors + 1);
    return true;
  }

  /** A datagram is handed to the kernel. */
  sent(slot: number, datagram: Buffer): void {
    const { world } = this;
    // A look whether somebody listens.
    if (datagram.length === 1 && datagram[0] === LF) return;
    const texts = datagram.toString("latin1").split("\n");
    world.note("sent", slot, texts.length);
    if (texts.length > 1 && datagram.length > this.datagramBytesMax) {
      world.violated(`a datagram of ${texts.length} lines has ${datagram.length} bytes`);
    }
    for (const text of texts) {
      if (text.startsWith(OWN_PREFIX)) this.ownRelayed++;
      else this.sentLine(slot, text);
    }
  }

  /** A datagram was not taken by the kernel. */
  refused(slot: number, errno: string): void {
    this.world.note("refused", slot, errno);
  }

  closed(socket: MetricsSocket): void {
    // Where there is no way past the runtime nobody can be turned away.
    if (socket.queued > 0 && !(socket.kernel instanceof Error) && this.proxy !== undefined) {
      this.world.violated(`a socket was closed with ${socket.queued} datagrams that nobody read`);
    }
  }

  /** The sums, at any moment. */
  look(): void {
    const { proxy, world } = this;
    if (proxy === undefined) return;
    const { counters } = proxy;
    const { nodes, retired } = proxy;
    for (const { sum, expected, found } of violations({ counters, nodes, retired })) {
      world.violated(`${sum}: ${found}, not ${expected}`);
    }
    let { linesRelayed: relayed, refusals } = retired.counters;
    for (const { counters } of nodes) {
      relayed += counters.linesRelayed;
      refusals += counters.refusals;
    }
    this.same("lines relayed", relayed, this.relayed);
    this.same("refusals", refusals, this.refusals);
    this.same("own lines", counters.linesSelf, this.ownRelayed);
    this.same("internal errors", counters.internalErrors, this.thrown);
    this.same("violations that the proxy found itself", counters.invariantViolations, 0);
    let handedOver = 0;
    let drops = 0;
    for (const socket of this.sockets) {
      handedOver += socket.handedOver;
      drops += socket.drops;
      this.same(
        "datagrams of a socket",
        socket.handedOver + socket.thrownAway + socket.drops + (socket.isClosed ? 0 : socket.queued),
        socket.arrived - (socket.isClosed ? socket.queued : 0),
      );
    }
    this.same("datagrams received", counters.packetsReceived, handedOver);
    const known = proxy.kernelDrops;
    if (known !== undefined) this.same("datagrams dropped by the kernel", known, drops);
    this.neverFall(proxy, retired.counters, relayed);
  }

  /** Everything is over. */
  finish(): void {
    const { proxy } = this;
    if (proxy === undefined) return;
    this.look();
    this.same(
      "datagrams unread",
      proxy.counters.datagramsUnread,
      this.sockets.reduce((sum, { thrownAway }) => sum + thrownAway, 0),
    );
    const { nodes, retired } = proxy;
    this.same(
      "lines pending",
      nodes.reduce((sum, { batch }) => sum + batch.linesPending, retired.linesPending),
      0,
    );
  }

  private sentLine(slot: number, text: string): void {
    const { world } = this;
    const line = this.lines.get(text);
    this.relayed++;
    if (line === undefined) {
      world.violated(`a backend is sent what nobody may: ${JSON.stringify(text.slice(0, 80))}`);
      return;
    }
    const bit = 1 << slot;
    if ((line.due & bit) === 0) world.violated(`slot ${slot} is sent ${text.slice(0, 80)}, which is not its own`);
    if ((line.sent & bit) !== 0) world.violated(`slot ${slot} is sent ${text.slice(0, 80)} twice`);
    line.sent |= bit;
    const orders = this.lastOrders[slot];
    if ((orders.get(line.name) ?? 0) > line.order && !this.outOfOrder.has(slot)) {
      world.violated(`slot ${slot} is sent ${text.slice(0, 80)} after a later line of that name`);
    }
    orders.set(line.name, line.order);
  }

  private expectedOf({ counters, config, nodes }: Insides, text: string): Expected {
    const lines = naiveLines(text, config.types);
    // What operators said is known from them, and not from the proxy.
    const words = nodes.map(({ label }) => this.words?.wordOf(label) ?? "up");
    const isUp = nodes.map(({ health }, i) => health.isWell && words[i] === "up");
    // While names are held, only a drained node gives its own away.
    const hasNames = config.failover === "rehash" ? isUp : words.map((word) => word !== "drain");
    const ownerOf = config.mirror ? undefined : ownersOf(config.ring, config.nodes, hasNames);
    const expected: Expected = {
      lines,
      packets: counters.packetsReceived + 1,
      received: counters.linesReceived + lines.length,
      accepted: counters.linesAccepted,
      rejected: [...counters.linesRejected],
      unowned: counters.linesDropped.no_live_node,
      internalErrors: counters.internalErrors,
      due: nodes.map((node) => node.counters.linesDue),
      out: nodes.map(({ counters: { linesDropped } }) => linesDropped.held + linesDropped.node_down),
    };
    for (const { verdict, name, text } of lines) {
      if (verdict !== Verdict.accepted) {
        expected.rejected[verdict - 1]++;
        continue;
      }
      expected.accepted++;
      let bits = 0;
      const owner = ownerOf?.(name);
      if (ownerOf && owner === undefined) expected.unowned++;
      for (let i = 0; i < nodes.length; i++) {
        if (ownerOf && nodes[i].label !== owner) continue;
        expected.due[i]++;
        if (isUp[i]) bits |= 1 << slotOfLabel(nodes[i].label);
        else expected.out[i]++;
      }
      this.linesAccepted++;
      this.lines.set(text, { name, order: this.linesAccepted, due: bits, sent: 0 });
    }
    return expected;
  }

  private compare({ counters, nodes }: Insides, expected: Expected): void {
    this.same("datagrams", counters.packetsReceived, expected.packets);
    this.same("lines received", counters.linesReceived, expected.received);
    this.same("lines accepted", counters.linesAccepted, expected.accepted);
    this.same("lines without an owner", counters.linesDropped.no_live_node, expected.unowned);
    this.same("internal errors", counters.internalErrors, expected.internalErrors);
    expected.rejected.forEach((rejected, i) => {
      this.same("lines rejected", counters.linesRejected[i], rejected, REJECT_REASONS[i]);
    });
    nodes.forEach(({ label, counters: { linesDue, linesDropped } }, i) => {
      this.same("lines due", linesDue, expected.due[i], label);
      this.same("lines for who is out", linesDropped.held + linesDropped.node_down, expected.out[i], label);
    });
  }

  private neverFall({ counters, nodes }: Insides, retired: Counted, relayed: number): void {
    let due = retired.linesDue;
    let dropped = sumOf(retired.linesDropped);
    let checks = retired.checksPassed + retired.checksFailed;
    for (const { counters } of nodes) {
      due += counters.linesDue;
      dropped += sumOf(counters.linesDropped);
      checks += counters.checksPassed + counters.checksFailed;
    }
    const totals = [
      counters.packetsReceived,
      counters.linesReceived,
      counters.linesDropped.no_live_node,
      due,
      dropped,
      relayed,
      checks,
    ];
    for (let i = 0; i < this.totals.length; i++) {
      if (totals[i] < this.totals[i])
        this.world.violated(`a total falls: ${this.totals.join(" ")}, now ${totals.join(" ")}`);
    }
    this.totals = totals;
  }

  private same(what: string, found: number, expected: number, of = ""): void {
    if (found !== expected) this.world.violated(`${what}${of && ` (${of})`}: ${found}, not ${expected}`);
  }
}

type Counted = Insides["retired"]["counters"];

function sumOf(dropped: Counted["linesDropped"]): number {
  return dropped.held + dropped.node_down + dropped.send_buffer_full + dropped.send_error;
}
