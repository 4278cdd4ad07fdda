/**
 * What all nodes at one address know of its refusals. Linux refuses a remote sender's datagrams about once a second,
 * whichever of its ports are closed (net.ipv4.icmp_ratelimit, net.ipv6.icmp.ratelimit). So the silence of one port means
 * nothing as long as other datagrams to its host are refused, and ports that are looked at without traffic take turns.
 */

/** A host that has refused nothing for so long can refuse again. */
export const REFUSES_AGAIN_MS = 1100;
/** More addresses than these are there only when names change all the time. */
const HOSTS_MAX = 4096;

export class RefusingHost {
  /** Whether it answers each datagram. */
  private readonly isUnlimited: boolean;
  private refusedAtMs = Number.NEGATIVE_INFINITY;
  private holder: object | undefined;
  private readonly waiting: { readonly who: object; readonly run: () => void }[] = [];

  /** @param address an IP address */
  constructor(address: string) {
    this.isUnlimited = address.startsWith("127.") || address === "::1";
  }

  /** It refused a datagram to one of its ports. */
  refused(nowMs: number): void {
    this.refusedAtMs = nowMs;
  }

  /** From when on it would have refused a datagram, as far as one knows. */
  get refusesFromMs(): number {
    return this.isUnlimited ? Number.NEGATIVE_INFINITY : this.refusedAtMs + REFUSES_AGAIN_MS;
  }

  /** Runs a function when everyone before has left. `leave` must follow, whatever happens. */
  take(who: object, run: () => void): void {
    if (this.isUnlimited) {
      run();
      return;
    }
    this.waiting.push({ who, run });
    this.next();
  }

  leave(who: object): void {
    const i = this.waiting.findIndex((one) => one.who === who);
    if (i !== -1) this.waiting.splice(i, 1);
    if (this.holder !== who) return;
    this.holder = undefined;
    this.next();
  }

  private next(): void {
    if (this.holder !== undefined) return;
    const first = this.waiting.shift();
    this.holder = first?.who;
    first?.run();
  }
}

/** By address. */
export class RefusingHosts {
  private readonly hosts = new Map<string, RefusingHost>();

  of(address: string): RefusingHost {
    const known = this.hosts.get(address);
    if (known !== undefined) return known;
    if (this.hosts.size === HOSTS_MAX) this.hosts.clear();
    const host = new RefusingHost(address);
    this.hosts.set(address, host);
    return host;
  }
}
