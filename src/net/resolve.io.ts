/** Host names to addresses. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/**
 * The address of a host, IPv4 first; an address is its own, an IPv4 address written as IPv6 the IPv4 one.
 * @throws what lookup throws: ENOTFOUND, EAI_AGAIN
 */
export async function resolveHost(host: string): Promise<string> {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host);
  if (mapped) return mapped[1];
  if (isIP(host) !== 0) return host;
  return (await lookup(host, { order: "ipv4first" })).address;
}
