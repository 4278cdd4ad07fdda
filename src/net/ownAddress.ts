/** Detects a node that is the proxy itself: what is relayed to it would come back and be relayed again, forever. */
import { BlockList, isIPv6 } from "node:net";

/** Whether the proxy itself receives what is sent to this address and port. */
export type IsOwn = (address: string, port: number) => boolean;

/** @param listening where metrics arrive; without an address nothing arrives @param ofMachine as for `reachesItself` */
export function ownTest(
  { address: own, port: ownPort }: { readonly address: string | undefined; readonly port: number },
  ofMachine: readonly string[],
): IsOwn {
  return (address, port) => own !== undefined && port === ownPort && reachesItself(address, own, ofMachine);
}

/**
 * Whether a datagram to `address` reaches a socket that listens on `listening`, on the same port. All are IP addresses.
 * @param ofMachine this machine's addresses besides loopback
 */
export function reachesItself(address: string, listening: string, ofMachine: readonly string[]): boolean {
  const to = sentTo(address);
  if (listening === "::") return listOf([...LOOPBACK, ...ofMachine]).check(to, familyOf(to));
  if (listening !== "0.0.0.0") return listOf([listening]).check(to, familyOf(to));
  return !isIPv6(to) && listOf([...LOOPBACK, ...ofMachine]).check(to, "ipv4");
}

const LOOPBACK = ["127.0.0.0/8", "::1"];

/** Datagrams to the unspecified address go to loopback. */
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

/** Strips the zone: `fe80::1%eth0` becomes `fe80::1`. */
function withoutZone(address: string): string {
  return address.split("%")[0];
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
