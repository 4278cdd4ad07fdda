/** Host names to addresses. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** The address of a host, IPv4 first; an address is its own. @throws what lookup throws: ENOTFOUND, EAI_AGAIN */
export async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  return (await lookup(host, { order: "ipv4first" })).address;
}
