/**
 * What /etc/resolv.conf and /etc/hosts say about a name, as glibc reads them (resolv.conf(5), hosts(5)). The addresses of
 * the name servers are left to the runtime.
 */

/** Search domains that are tried; glibc had the same limit before 2.26. */
const SEARCH_MAX = 6;
const NDOTS_MAX = 15;

/** The names to ask the name servers for, in this order, until one has addresses. None of them is searched for further. */
export function namesToAsk(host: string, resolvConf: string): string[] {
  const absolute = host.replace(/\.$/, "");
  if (absolute !== host) return [absolute];
  const { search, ndots } = parsed(resolvConf);
  const searched = search.map((domain) => `${host}.${domain}`);
  return host.split(".").length > ndots ? [host, ...searched] : [...searched, host];
}

/** A host's addresses in /etc/hosts. */
export function addressesInHosts(host: string, hosts: string): string[] {
  const wanted = host.replace(/\.$/, "").toLowerCase();
  // Most names are not there, and a file of blocked names is long.
  if (!hosts.toLowerCase().includes(wanted)) return [];
  return hosts.split("\n").flatMap((line) => {
    const [address, ...names] = wordsOf(line);
    return names.some((name) => name.toLowerCase() === wanted) ? [address] : [];
  });
}

/** The last line of a kind counts. */
function parsed(resolvConf: string): { readonly search: readonly string[]; readonly ndots: number } {
  let search: string[] = [];
  let ndots = 1;
  for (const line of resolvConf.split("\n")) {
    const [key, ...words] = wordsOf(line);
    if (key === "search" || key === "domain") {
      search = words.map((domain) => domain.replace(/\.$/, "")).filter((domain) => domain !== "");
    }
    if (key !== "options") continue;
    for (const word of words) {
      const [, digits] = /^ndots:(\d+)$/.exec(word) ?? [];
      if (digits !== undefined) ndots = Math.min(NDOTS_MAX, Number(digits));
    }
  }
  return { search: search.slice(0, SEARCH_MAX), ndots };
}

function wordsOf(line: string): string[] {
  return line
    .replace(/[#;].*/, "")
    .split(/\s+/)
    .filter((word) => word !== "");
}
