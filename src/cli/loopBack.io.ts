/** Whether a node is a proxy that relays to this one, as its console tells: metrics would go in a circle. */

import { readConfig } from "../config/config.ts";
import type { Network } from "../net/network.ts";
import { type IsOwn, isOfMachine } from "../net/ownAddress.ts";
import { hostPort } from "../text/hostPort.ts";
import { isIP } from "../text/ip.ts";
import { ConsoleClient } from "./consoleClient.io.ts";

export interface LoopBackParts {
  /** Whether this proxy would receive what is sent to an address. */
  readonly isOwn: IsOwn;
  readonly network: Pick<Network, "resolve" | "ownAddresses">;
}

/** For people: which of its nodes; undefined: none, or it is no such proxy. @param host an IP address */
export async function loopBack(host: string, port: number, parts: LoopBackParts): Promise<string | undefined> {
  const { isOwn, network } = parts;
  // What another machine calls its loopback interface is not this machine's.
  const isHere = isOfMachine(host, network.ownAddresses());
  for (const [i, node] of (await nodesOf(host, port)).entries()) {
    const address = isIP(node.host) === 0 ? await network.resolve(node.host).catch(() => undefined) : node.host;
    if (address === undefined || (!isHere && isOfMachine(address, []))) continue;
    if (isOwn(address, node.port))
      return `it relays to this proxy (its nodes[${i}], ${hostPort(node.host, node.port)})`;
  }
  return undefined;
}

async function nodesOf(host: string, port: number) {
  const client = new ConsoleClient(host, port);
  try {
    return readConfig(await client.ask("config json")).config?.nodes ?? [];
  } catch {
    return [];
  } finally {
    client.close();
  }
}
