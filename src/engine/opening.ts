/**
 * Things that are opened together, all or nothing: a start, or a change of what runs.
 *
 *     attempt, open, listen ...   may fail; every problem is reported, and what runs is untouched
 *     commit                      synchronous, between two turns; cannot fail
 *     abandon                     instead of commit: closes everything that was opened
 */
import type { Problem } from "../config/problem.ts";
import type { Network } from "../net/network.ts";

interface Closable {
  close(): void;
}

/** What could not be opened. */
export interface Unopened {
  /** For people. */
  readonly reason: string;
  /** There is no way to the address now, and there may be one later: the configuration is not to blame. */
  readonly isUnreachable: boolean;
}

export function isUnopened(result: object): result is Unopened {
  return "isUnreachable" in result;
}

/** Paths of the two values that say where to listen. */
interface ListenerPath {
  readonly host: string;
  readonly port: string;
  /** What they say together, for people. */
  readonly address: string;
}

export class Opening {
  readonly problems: Problem[] = [];
  private readonly network: Pick<Network, "resolve">;
  private readonly opened: Closable[] = [];
  private readonly steps: (() => void)[] = [];

  constructor(network: Pick<Network, "resolve">) {
    this.network = network;
  }

  /** Returns the result of `make`; or undefined, after reporting a problem with the configuration value at `at`. */
  async attempt<T>(at: string | ListenerPath, make: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await make();
    } catch (error) {
      this.problems.push({ at: pathOf(at, error), message: reasonOf(error as NodeJS.ErrnoException, at) });
      return undefined;
    }
  }

  /** Like `attempt`, for something that `abandon` closes again. */
  async open<T extends Closable>(at: string | ListenerPath, make: () => T | Promise<T>): Promise<T | undefined> {
    const made = await this.attempt(at, make);
    if (made) this.opened.push(made);
    return made;
  }

  /** Like `open`, for a connection that may be missing: then why, and no problem. */
  async tryToOpen<T extends Closable>(make: () => T | Promise<T>): Promise<T | Unopened> {
    try {
      const made = await make();
      this.opened.push(made);
      return made;
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      const { code = "" } = failure;
      const reason = reasonText(failure, REASONS_OF_CONNECT[code] ?? REASONS[code]);
      return { reason, isUnreachable: UNREACHABLE.includes(code) };
    }
  }

  /** Like `attempt`, for the address of a host. */
  async resolve(at: string, host: string): Promise<string | undefined> {
    return await this.attempt(at, () => this.network.resolve(host));
  }

  /** Like `open`, for a listener on a host's address. A host that does not resolve is a problem of its own. */
  async listen<T extends Closable>(
    at: ListenerPath,
    host: string,
    make: (address: string) => T | Promise<T>,
  ): Promise<T | undefined> {
    const address = await this.resolve(at.host, host);
    return address === undefined ? undefined : await this.open(at, () => make(address));
  }

  /** Adds what undoes a part of the preparation. */
  onAbandon(undo: () => void): void {
    this.opened.push({ close: undo });
  }

  /** Adds a step to run once everything is open. It must not fail: if it does, that is a bug. */
  onCommit(step: () => void): void {
    this.steps.push(step);
  }

  /**
   * Runs the steps in the order in which they were added. Whatever was opened belongs to others from now on.
   * @param onBug takes what a step throws: the others are run all the same, so that one bug is not a mixture of two
   * configurations as well
   */
  commit(onBug: (error: Error) => void = rethrow): void {
    this.opened.length = 0;
    for (const step of this.steps) {
      try {
        step();
      } catch (error) {
        onBug(error as Error);
      }
    }
  }

  /** Closes everything that was opened, last first. */
  abandon(): void {
    for (const closable of this.opened.reverse()) closable.close();
    this.opened.length = 0;
  }
}

function rethrow(error: Error): never {
  throw error;
}

/** Errors of bind that have nothing to do with the port. */
const HOST_ERRORS = ["EADDRNOTAVAIL", "EINVAL"];

function pathOf(at: string | ListenerPath, error: unknown): string {
  if (typeof at === "string") return at;
  return HOST_ERRORS.includes((error as NodeJS.ErrnoException).code ?? "") ? at.host : at.port;
}

const UNREACHABLE: readonly string[] = ["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"];

const REASONS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "not an address of this machine",
  EMFILE: "no file descriptor left: raise the limit (ulimit -n, LimitNOFILE)",
  EACCES: "permission denied: ports below 1024 need CAP_NET_BIND_SERVICE",
  EINVAL: "not a usable address: a link-local one needs its interface, as in fe80::1%eth0",
  ENOTFOUND: "the name does not resolve",
  EAI_AGAIN: "the name does not resolve: the name server does not answer",
  ESERVFAIL: "the name does not resolve: the name server has failed",
  ENETUNREACH: "there is no route to the address",
  EHOSTUNREACH: "there is no way to the address",
  ENETDOWN: "the network is down",
};

/** Where they are not those of bind. */
const REASONS_OF_CONNECT: Readonly<Record<string, string>> = {
  EACCES: "permission denied: it is a broadcast address, or a route of this machine prohibits it",
};

function reasonOf(error: NodeJS.ErrnoException, at: string | ListenerPath): string {
  const address = typeof at === "object" ? at.address : "the address";
  return reasonText(error, error.code === "EADDRINUSE" ? `${address} is in use` : REASONS[error.code ?? ""]);
}

function reasonText({ code, message }: NodeJS.ErrnoException, reason: string | undefined): string {
  return reason === undefined ? message : `${reason} (${code})`;
}
