/** A start that may fail in several places at once: what was opened so far, and everything that went wrong. */
import type { Problem } from "../config/problem.ts";
import { resolveHost } from "../net/resolve.io.ts";

/** What listens at a port. */
export interface Listening extends Closable {
  /** As bound. */
  readonly port: number;
}

interface Closable {
  close(): void;
}

export class Start {
  readonly problems: Problem[] = [];
  private readonly opened: Closable[] = [];

  /** What `make` returns; or undefined, and one more problem with the configuration's value at `at`. */
  async attempt<T>(at: string, make: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await make();
    } catch (error) {
      this.problems.push({ at, message: reasonOf(error as NodeJS.ErrnoException) });
      return undefined;
    }
  }

  /** As `attempt`, of something that is closed again by `close`. */
  async open<T extends Closable>(at: string, make: () => T | Promise<T>): Promise<T | undefined> {
    const made = await this.attempt(at, make);
    if (made) this.opened.push(made);
    return made;
  }

  /** As `open`, of something that listens at the address of a host: a name without one is a problem of its own. */
  async listen<T extends Closable>(
    at: { readonly host: string; readonly port: string },
    host: string,
    make: (address: string) => T | Promise<T>,
  ): Promise<T | undefined> {
    const address = await this.attempt(at.host, () => resolveHost(host));
    return address === undefined ? undefined : await this.open(at.port, () => make(address));
  }

  /** Closes all that was opened, last first. */
  close(): void {
    for (const closable of this.opened.reverse()) closable.close();
    this.opened.length = 0;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use",
  EADDRNOTAVAIL: "not an address of this machine",
  EACCES: "no permission: ports below 1024 need CAP_NET_BIND_SERVICE, and nothing is sent to broadcast addresses",
  EINVAL: "not an address to use as it is: a link-local one needs its interface, as in fe80::1%eth0",
  ENOTFOUND: "the name does not resolve",
  EAI_AGAIN: "the name does not resolve: the name server does not answer",
  ESERVFAIL: "the name does not resolve: the name server has failed",
  ENETUNREACH: "there is no route to the address",
};

function reasonOf(error: NodeJS.ErrnoException): string {
  const reason = REASONS[error.code ?? ""];
  return reason === undefined ? error.message : `${reason} (${error.code})`;
}
