/** What the proxy needs to find the addresses of names: Bun's and the system's (nameService.io.ts), or a simulated one. */

export type Family = 4 | 6;

export interface NameService {
  /** The texts of /etc/resolv.conf and /etc/hosts now; empty: there is none. */
  files(): { readonly resolvConf: string; readonly hosts: string };
  /** Asks the name servers of this moment, and remembers nothing. */
  query(): NameQuery;
  /**
   * Asks the system, which may know names that are in no file and at no name server (mDNS, for one). Holds one of the
   * process's few threads until it answers, however long that takes.
   * @throws what getaddrinfo throws: ENOTFOUND, EAI_AGAIN
   */
  askSystem(host: string): Promise<readonly string[]>;
}

export interface NameQuery {
  /**
   * A name's addresses of one family, none if it has none. The name is taken as it is: no domain is added.
   * @throws if there is no answer: ETIMEOUT, ESERVFAIL, EREFUSED, ECONNREFUSED
   */
  addresses(name: string, family: Family): Promise<readonly string[]>;
  /** Gives up what is not answered yet. */
  cancel(): void;
}
