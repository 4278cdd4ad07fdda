/** Nodes that are the proxy itself. */
import { networkInterfaces } from "node:os";
import { reachesItself } from "./ownAddress.ts";
import { resolveHost } from "./resolve.io.ts";

/**
 * Returns what says of a node's address and port whether they are the proxy's own, as this machine is now.
 * @param listening where it takes metrics; a name that does not resolve is nobody's address
 */
export async function openOwnAddress(listening: {
  readonly host: string;
  readonly port: number;
}): Promise<(address: string, port: number) => boolean> {
  const host = await resolveHost(listening.host).catch(() => undefined);
  const ofMachine = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  return (address, port) => host !== undefined && port === listening.port && reachesItself(address, host, ofMachine);
}
