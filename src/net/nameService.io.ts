/**
 * The addresses of names, from name servers and from the system. Measured with Bun 1.4.5 and 40 names whose name server
 * is silent:
 *
 *                              other names meanwhile    answers are remembered     /etc/resolv.conf is read
 *     node:dns lookup (libc)   wait 40 s (2 threads)    no                         again when it changes
 *     Bun.dns.lookup (c-ares)  are answered at once     for their time to live     once
 *     a new dns.Resolver       are answered at once     no                         each time
 *
 * So each question has a resolver of its own: it takes 0.4 ms, no thread, and one socket for as long as it lasts. It reads
 * neither /etc/hosts nor search domains: resolvConf.ts does.
 */
import { lookup, Resolver } from "node:dns/promises";
import { readFileSync, statSync } from "node:fs";
import type { Family, NameQuery, NameService } from "./nameService.ts";

/** Of each name server, before it is asked again or the next one is. */
const TIMEOUT_MS = 2000;
const TRIES = 2;
/** Longer files are not read: then only the system knows what they say. */
const FILE_BYTES_MAX = 1024 * 1024;

/** The name, or addresses of this family, do not exist. */
const NONE: readonly string[] = ["ENOTFOUND", "ENODATA"];

export const bunNameService: NameService = {
  // Not with a promise: reading would wait for a thread, and a system that does not answer has them all.
  files: () => ({ resolvConf: textOf("/etc/resolv.conf"), hosts: textOf("/etc/hosts") }),
  query,
  askSystem: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
};

function query(): NameQuery {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  return {
    addresses: async (name: string, family: Family) => {
      try {
        return await (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name));
      } catch (error) {
        if (NONE.includes((error as NodeJS.ErrnoException).code ?? "")) return [];
        throw error;
      }
    },
    cancel: () => resolver.cancel(),
  };
}

function textOf(file: string): string {
  try {
    return statSync(file).size > FILE_BYTES_MAX ? "" : readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
