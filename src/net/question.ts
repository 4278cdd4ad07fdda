/**
 * One question: which addresses does a name have? Both families are asked for at once, for one name of the search list
 * after the other, until one has addresses:
 *
 *     /etc/hosts -> statsd.ns.svc.cluster.local -> statsd.svc.cluster.local -> statsd -> the system
 *
 * The system comes last, and only one question at a time is put to it: it may hold a thread for as long as its name
 * servers are silent (20 s were seen), and there are few.
 */

import type { Clock, Timer } from "../system/clock.ts";
import { isIPv6 } from "../text/ip.ts";
import type { Family, NameQuery, NameService } from "./nameService.ts";
import { addressesInHosts, namesToAsk } from "./resolvConf.ts";

/** The answer is whatever has been said by then. */
export const QUESTION_MS_MAX = 5000;
/** How long the other family may take once one has addresses: some name servers are silent about IPv6. */
const OTHER_FAMILY_MS_MAX = 1000;

const FAMILIES: readonly Family[] = [4, 6];

export interface Answer {
  /** Empty: the name has no such address. Undefined: nobody said. */
  readonly ipv4: readonly string[] | undefined;
  readonly ipv6: readonly string[] | undefined;
  /** The name of the search list that had the addresses; undefined: none had, or they are the file's or the system's. */
  readonly foundAs: string | undefined;
  /** Why there is no address at all, for people; undefined: there is one. */
  readonly failure: string | undefined;
}

/** Puts questions to the system, one after the other. */
export class SystemTurns {
  private last: Promise<void> = Promise.resolve();

  take(run: () => Promise<void>): Promise<void> {
    this.last = this.last.then(run);
    return this.last;
  }
}

export interface QuestionParts {
  readonly host: string;
  /** The name of the search list that had addresses last. */
  readonly foundAs?: string | undefined;
  readonly service: NameService;
  readonly clock: Pick<Clock, "setTimeout" | "cancel">;
  readonly systemTurns: SystemTurns;
  /** Called once, unless the question is cancelled; never before the constructor has returned. */
  readonly onAnswer: (answer: Answer) => void;
}

export class Question {
  private readonly parts: QuestionParts;
  private readonly query: NameQuery;
  private timer: Timer;
  private isOver = false;
  private foundAs: string | undefined;
  private readonly found: Record<Family, readonly string[]> = { 4: [], 6: [] };
  /** What nobody has said yet. */
  private readonly open = new Set(FAMILIES);
  /** The first error for each family: somebody may know addresses, and did not tell. */
  private readonly errors = new Map<Family, string>();

  constructor(parts: QuestionParts) {
    this.parts = parts;
    this.query = parts.service.query();
    this.timer = parts.clock.setTimeout(() => this.end(), QUESTION_MS_MAX);
    void this.run();
  }

  /** There will be no answer. */
  cancel(): void {
    this.isOver = true;
    this.parts.clock.cancel(this.timer);
    this.query.cancel();
  }

  private async run(): Promise<void> {
    const { host, service, systemTurns } = this.parts;
    const { hosts, resolvConf } = service.files();
    const inHosts = addressesInHosts(host, hosts);
    if (inHosts.length > 0) {
      await Promise.resolve();
      this.take(inHosts);
    }
    for (const name of namesToAsk(host, resolvConf)) {
      if (this.isOver || this.hasAddresses()) break;
      for (const family of FAMILIES) this.open.add(family);
      await Promise.all(FAMILIES.map((family) => this.ask(name, family)));
      if (this.hasAddresses()) this.foundAs = name;
      // It may still have addresses: those of a name further down are somebody else's.
      else if (name === this.parts.foundAs && this.errors.size > 0) return this.end();
    }
    if (!this.isOver && !this.hasAddresses()) await systemTurns.take(() => this.askSystem());
    this.end();
  }

  private async ask(name: string, family: Family): Promise<void> {
    try {
      const addresses = await this.query.addresses(name, family);
      if (this.isOver) return;
      this.found[family] = addresses;
    } catch (error) {
      if (this.isOver) return;
      const { code, message } = error as NodeJS.ErrnoException;
      if (!this.errors.has(family)) this.errors.set(family, code ?? message);
    }
    this.open.delete(family);
    if (this.open.size === 0 || !this.hasAddresses()) return;
    const { clock } = this.parts;
    clock.cancel(this.timer);
    this.timer = clock.setTimeout(() => this.end(), OTHER_FAMILY_MS_MAX);
  }

  private async askSystem(): Promise<void> {
    if (this.isOver) return;
    const { host, service } = this.parts;
    try {
      const addresses = await service.askSystem(host);
      if (!this.isOver) this.take(addresses);
    } catch {
      // It asks the same name servers. What they have said stands.
    }
  }

  /** Addresses of both families. */
  private take(addresses: readonly string[]): void {
    this.open.clear();
    this.errors.clear();
    this.found[4] = addresses.filter((address) => !isIPv6(address));
    this.found[6] = addresses.filter(isIPv6);
  }

  private hasAddresses(): boolean {
    return this.found[4].length + this.found[6].length > 0;
  }

  private end(): void {
    if (this.isOver) return;
    this.cancel();
    const [error = this.open.size > 0 ? "ETIMEOUT" : "ENOTFOUND"] = this.errors.values();
    this.parts.onAnswer({
      foundAs: this.foundAs,
      ipv4: this.answerFor(4),
      ipv6: this.answerFor(6),
      failure: this.hasAddresses() ? undefined : unresolvedText(error),
    });
  }

  private answerFor(family: Family): readonly string[] | undefined {
    const isSaid = this.found[family].length > 0 || !(this.open.has(family) || this.errors.has(family));
    return isSaid ? this.found[family] : undefined;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ETIMEOUT: ": the name server does not answer",
  ECONNREFUSED: ": there is no name server at its address",
  ESERVFAIL: ": the name server has failed",
  EREFUSED: ": the name server refuses to answer",
};

/** Why a name has no address, for people. */
function unresolvedText(code: string): string {
  return `the name does not resolve${REASONS[code] ?? ""} (${code})`;
}
