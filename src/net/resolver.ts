/**
 * The addresses of names, kept up to date in the background:
 *
 *     every `intervalMs`                  names take their turns, spread over the interval
 *     ASK_AGAIN_MS after the last answer  the name has no address, or a node behind it has failed a check
 *
 * The last good answer stays until there is another: one without addresses, or none at all, changes nothing. It is
 * remembered, though: a set of nodes is gone when two answers agree on that (`isGone`).
 */

import type { Log } from "../log/log.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { isIP } from "../text/ip.ts";
import { backendAddresses, unmapped } from "./ipAddress.ts";
import type { NameService } from "./nameService.ts";
import { type Answer, Question, SystemTurns } from "./question.ts";

/** A name is asked for at most this often. */
export const ASK_AGAIN_MS = 5000;
/** How long a change of the configuration waits for new names. What comes later is a change of its own. */
export const WAIT_MS = 3000;
/** Questions under way. Each holds a descriptor per name server. */
export const QUESTIONS_MAX = 8;
/** Addresses of a name; the lowest of more, so that all proxies use the same. */
export const ADDRESSES_MAX = 512;
/** Answers in a row without addresses, until the name has none. */
const EMPTY_ANSWERS = 2;

export interface ResolverParts {
  readonly service: NameService;
  readonly clock: Pick<Clock, "nowMs" | "setTimeout" | "cancel">;
  readonly log: Pick<Log, "info" | "warn">;
  /** A name in use has been answered for. */
  readonly onAnswer: (host: string, hasChanged: boolean) => void;
}

export interface Resolution {
  /** In numerical order, IPv4 first. The last that were found. */
  readonly addresses: readonly string[];
  /** The name has none any more. */
  readonly isGone: boolean;
  /** Why there are no addresses, or why they may be old; undefined: they are those of the last answer. */
  readonly failure: string | undefined;
}

const NO_RESOLUTION: Resolution = {
  addresses: [],
  isGone: false,
  failure: "the name does not resolve: no answer from the name server yet",
};
const UNUSABLE = "the name does not resolve: no backend can have the addresses in the answer";

interface Name {
  readonly host: string;
  /** From `use` until another configuration is used without it. */
  isUsed: boolean;
  ipv4: readonly string[];
  ipv6: readonly string[];
  resolution: Resolution;
  emptyAnswers: number;
  /** Addresses, with those that are too many. */
  found: number;
  /** What was logged last. */
  readonly told: { hasFailed: boolean; isCut: boolean };
  question: Question | undefined;
  foundAs: string | undefined;
  askedAtMs: number;
  /** Puts it into the queue. */
  timer: Timer | undefined;
  dueAtMs: number;
  /** To be called after the next answer. */
  readonly waiting: (() => void)[];
}

export class Resolver {
  private readonly parts: ResolverParts;
  private readonly names = new Map<string, Name>();
  /** Due, and waiting for their turn. */
  private readonly queue = new Set<Name>();
  private readonly systemTurns = new SystemTurns();
  private intervalMs = Number.POSITIVE_INFINITY;
  private underWay = 0;
  /** Number of changes so far. */
  private changes = 0;

  constructor(parts: ResolverParts) {
    this.parts = parts;
  }

  /** Whether anything has changed is whether this number has. */
  get version(): number {
    return this.changes;
  }

  /** What is known of a host now. An address is never asked for. */
  resolutionOf(host: string): Resolution {
    if (isIP(host) !== 0) return { addresses: [unmapped(host)], isGone: false, failure: undefined };
    return this.names.get(host)?.resolution ?? NO_RESOLUTION;
  }

  /** Asks for names that are not in use yet, and waits for the answers, but not for long. */
  async prepare(hosts: Iterable<string>): Promise<void> {
    const asked = [...namesIn(hosts)].map((host) => this.nameOf(host)).filter(({ isUsed }) => !isUsed);
    if (asked.length === 0) return;
    const { clock } = this.parts;
    let timer: Timer | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, WAIT_MS);
    });
    const answers = asked.map((name) => new Promise<void>((resolve) => name.waiting.push(resolve)));
    for (const name of asked) this.enqueue(name);
    await Promise.race([Promise.all(answers), deadline]);
    clock.cancel(timer);
  }

  /** From now on these names are kept up to date, and no others. */
  use(hosts: Iterable<string>, intervalMs: number): void {
    const used = namesIn(hosts);
    for (const name of [...this.names.values()]) if (!used.has(name.host)) this.forget(name);
    const isIntervalKept = intervalMs === this.intervalMs;
    this.intervalMs = intervalMs;
    let position = 0;
    for (const host of used) {
      const name = this.nameOf(host);
      const part = ++position / used.size;
      if (!isIntervalKept || !name.isUsed) this.schedule(name, part * this.delayOf(name));
      // Of names that a change brings it is told once the change is made.
      if (!name.isUsed && name.resolution !== NO_RESOLUTION) this.tell(name);
      name.isUsed = true;
    }
    // Those that are forgotten have left room.
    this.askQueued();
  }

  /** A node behind the name has failed a check. May be called as often as you like. */
  askSoon(host: string): void {
    const name = this.names.get(host);
    if (name?.isUsed !== true || name.question !== undefined || this.queue.has(name)) return;
    const { clock } = this.parts;
    const delayMs = Math.max(0, name.askedAtMs + this.againMs() - clock.nowMs());
    if (clock.nowMs() + delayMs < name.dueAtMs) this.schedule(name, delayMs);
  }

  close(): void {
    for (const name of [...this.names.values()]) this.forget(name);
  }

  private nameOf(host: string): Name {
    const known = this.names.get(host);
    if (known !== undefined) return known;
    const name: Name = {
      ...{ host, isUsed: false, ipv4: [], ipv6: [], resolution: NO_RESOLUTION, emptyAnswers: 0 },
      ...{
        found: 0,
        told: { hasFailed: false, isCut: false },
        question: undefined,
        foundAs: undefined,
        askedAtMs: Number.NEGATIVE_INFINITY,
      },
      ...{ timer: undefined, dueAtMs: Number.POSITIVE_INFINITY, waiting: [] },
    };
    this.names.set(host, name);
    return name;
  }

  private forget(name: Name): void {
    this.parts.clock.cancel(name.timer);
    this.names.delete(name.host);
    this.queue.delete(name);
    if (name.question !== undefined) {
      name.question.cancel();
      name.question = undefined;
      this.underWay--;
    }
    for (const go of name.waiting.splice(0)) go();
  }

  private schedule(name: Name, delayMs: number): void {
    const { clock } = this.parts;
    clock.cancel(name.timer);
    if (name.question !== undefined) return;
    name.dueAtMs = clock.nowMs() + delayMs;
    name.timer = clock.setTimeout(() => this.enqueue(name), delayMs);
  }

  private enqueue(name: Name): void {
    if (name.question !== undefined) return;
    this.queue.add(name);
    this.askQueued();
  }

  private askQueued(): void {
    for (const name of this.queue) {
      if (this.underWay === QUESTIONS_MAX) return;
      this.queue.delete(name);
      this.ask(name);
    }
  }

  private ask(name: Name): void {
    const { service, clock } = this.parts;
    const { host } = name;
    clock.cancel(name.timer);
    name.askedAtMs = clock.nowMs();
    this.underWay++;
    name.question = new Question({
      ...{ host, foundAs: name.foundAs, service, clock, systemTurns: this.systemTurns },
      onAnswer: (answer) => this.answered(name, answer),
    });
  }

  private answered(name: Name, answer: Answer): void {
    name.question = undefined;
    this.underWay--;
    const before = name.resolution;
    this.take(name, answer);
    const hasChanged = !isSame(before, name.resolution);
    if (hasChanged) this.changes++;
    for (const go of name.waiting.splice(0)) go();
    if (name.isUsed) {
      this.tell(name);
      this.schedule(name, this.delayOf(name));
      this.parts.onAnswer(name.host, hasChanged);
    }
    this.askQueued();
  }

  private take(name: Name, answer: Answer): void {
    const ipv4 = answer.ipv4 && backendAddresses(answer.ipv4);
    const ipv6 = answer.ipv6 && backendAddresses(answer.ipv6);
    const hasAddresses = (ipv4?.length ?? 0) + (ipv6?.length ?? 0) > 0;
    if (hasAddresses) {
      name.foundAs = answer.foundAs;
      // A family that nobody spoke of stays as it was.
      name.ipv4 = ipv4 ?? name.ipv4;
      name.ipv6 = ipv6 ?? name.ipv6;
      name.emptyAnswers = 0;
    } else if (answer.failure !== undefined && isEmpty(name, answer)) name.emptyAnswers++;
    const all = backendAddresses([...name.ipv4, ...name.ipv6]);
    const addresses = all.slice(0, ADDRESSES_MAX);
    const failure = hasAddresses ? undefined : (answer.failure ?? UNUSABLE);
    const isGone = addresses.length > 0 && name.emptyAnswers >= EMPTY_ANSWERS;
    name.resolution = { addresses, isGone, failure };
    name.found = all.length;
  }

  /** Tells what is new since it was told last. */
  private tell(name: Name): void {
    const { log } = this.parts;
    const { host, found, resolution } = name;
    const { failure, addresses } = resolution;
    const had = { ...name.told };
    name.told.hasFailed = failure !== undefined;
    name.told.isCut = found > ADDRESSES_MAX;
    if (failure !== undefined && !had.hasFailed) {
      log.warn("name_unresolved", { host, reason: failure, addresses_kept: addresses.length });
    }
    if (failure === undefined && had.hasFailed) log.info("name_resolved", { host, addresses: found });
    if (name.told.isCut && !had.isCut) log.warn("addresses_cut", { host, addresses: found, used: ADDRESSES_MAX });
  }

  private delayOf({ resolution }: Name): number {
    return resolution.addresses.length === 0 ? this.againMs() : this.intervalMs;
  }

  private againMs(): number {
    return Math.min(ASK_AGAIN_MS, this.intervalMs);
  }
}

/** Hosts that are not addresses, each once. */
function namesIn(hosts: Iterable<string>): Set<string> {
  return new Set([...hosts].filter((host) => isIP(host) === 0));
}

/** Whether an answer without addresses says that there are none: of each family that the name had addresses of. */
function isEmpty({ ipv4, ipv6 }: Name, answer: Answer): boolean {
  if (answer.ipv4 === undefined && answer.ipv6 === undefined) return false;
  return (ipv4.length === 0 || answer.ipv4 !== undefined) && (ipv6.length === 0 || answer.ipv6 !== undefined);
}

/** Whether nodes would be the same. */
function isSame(one: Resolution, other: Resolution): boolean {
  if (one.isGone !== other.isGone || one.addresses.length !== other.addresses.length) return false;
  if (one.addresses.length === 0) return one.failure === other.failure;
  return one.addresses.every((address, i) => address === other.addresses[i]);
}
