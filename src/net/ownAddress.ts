/** Whether a node is the proxy itself: what is relayed to it comes back, and is relayed again, for ever. */
import { BlockList, isIPv6 } from "node:net";

/**
 * Whether a datagram to `address` arrives at a socket that listens at `listening` and the same port. All are IP addresses.
 * @param ofMachine what this machine has besides its loopback addresses
 */
export function reachesItself(address: string, listening: string, ofMachine: readonly string[]): boolean {
  const to = sentTo(address);
  if (listening === "::") return listOf([...LOOPBACK, ...ofMachine]).check(to, familyOf(to));
  if (listening !== "0.0.0.0") return listOf([listening]).check(to, familyOf(to));
  return !isIPv6(to) && listOf([...LOOPBACK, ...ofMachine]).check(to, "ipv4");
}

const LOOPBACK = ["127.0.0.0/8", "::1"];

/** What is sent to no address in particular goes to the loopback interface. */
function sentTo(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  return address === "::" ? "::1" : withoutZone(address);
}

function listOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const address of addresses) {
    const [start, bits] = withoutZone(address).split("/");
    if (bits === undefined) list.addAddress(start, familyOf(start));
    else list.addSubnet(start, Number(bits), familyOf(start));
  }
  return list;
}

/** As `fe80::1%eth0`. */
function withoutZone(address: string): string {
  return address.split("%")[0];
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
