/** Detects a node that is the proxy itself: what is relayed to it would come back and be relayed again, forever. */
import { keyOf } from "./ipAddress.ts";

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
  const at = keyOf(listening);
  if (at === EVERY_IPV6) return isOfMachine(address, ofMachine);
  if (at === EVERY_IPV4) return keyOf(sentTo(address)).startsWith("4") && isOfMachine(address, ofMachine);
  return sameAddress(sentTo(address), listening);
}

/** The keys of the unspecified addresses, however they are written. */
const EVERY_IPV4 = keyOf("0.0.0.0");
const EVERY_IPV6 = keyOf("::");

/** Whether an address is on the loopback interface, or one of the others. */
export function isOfMachine(address: string, others: readonly string[]): boolean {
  const to = sentTo(address);
  return LOOPBACK.test(keyOf(to)) || others.some((other) => sameAddress(to, other));
}

/** The keys of 127.0.0.0/8 and ::1. */
const LOOPBACK = /^(?:47f|60{31}1$)/;

/** Datagrams to the unspecified address go to loopback. */
function sentTo(address: string): string {
  const to = withoutZone(address);
  if (keyOf(to) === EVERY_IPV4) return "127.0.0.1";
  return keyOf(to) === EVERY_IPV6 ? "::1" : to;
}

/** Whatever the zone of the other one. */
function sameAddress(address: string, other: string): boolean {
  return keyOf(address) === keyOf(withoutZone(other));
}

/** Strips the zone: `fe80::1%eth0` becomes `fe80::1`. */
function withoutZone(address: string): string {
  return address.split("%")[0];
}
