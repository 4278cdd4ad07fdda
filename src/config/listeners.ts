/** The proxy's own listeners, which must not take each other's address. Metrics arrive over UDP: theirs is another. */

import { hostPort } from "../text/hostPort.ts";
import { isIPv4 } from "../text/ip.ts";
import type { Problem } from "./problem.ts";

export interface Listeners {
  readonly managementhost: string;
  readonly managementport: number;
  readonly httphost: string;
  readonly httpport: number;
}

/** @param addressOf the address of a host, where it is known: else names are compared */
export function listenerProblems(
  { managementhost, managementport, httphost, httpport }: Listeners,
  addressOf: (host: string) => string = (host) => host,
): Problem[] {
  if (httpport !== managementport || !overlap(addressOf(managementhost), addressOf(httphost))) return [];
  const taken = hostPort(managementhost, managementport);
  return [{ at: "httpport", message: `the proxy's own console has this port (${taken}): give HTTP another` }];
}

/** Whether a port can be bound at one of them only. */
function overlap(one: string, other: string): boolean {
  if (one.toLowerCase() === other.toLowerCase()) return true;
  return covers(one, other) || covers(other, one);
}

/** `::` takes IPv4 as well. */
function covers(wildcard: string, host: string): boolean {
  return isWildcard(wildcard, 6) || (isWildcard(wildcard, 4) && isIPv4(host));
}

function isWildcard(host: string, family: 4 | 6): boolean {
  return family === 4 ? /^0+(\.0+){3}$/.test(host) : /^[0:]*:[0:]*$/.test(host);
}
