/** The address of a console, on the command line. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { Config } from "../config/config.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_ADDRESS: Address = { host: "127.0.0.1", port: 8126 };

/** @throws InvalidArgumentError */
export function addressOf(text: string): Address {
  const found = /^(?:(?:\[(?<ipv6>[^\]]+)\]|(?<host>[^:[\]]+)):)?(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(found?.port);
  if (found === undefined || port < 1 || port > 65535) throw new InvalidArgumentError("Expected HOST:PORT or PORT.");
  return { host: found.ipv6 ?? found.host ?? DEFAULT_ADDRESS.host, port };
}

/** Where the console of a proxy with this configuration can be reached from its own machine. */
export function consoleOf({
  managementhost,
  managementport,
}: Pick<Config, "managementhost" | "managementport">): Address {
  return { host: reachable(managementhost), port: managementport };
}

/** Replaces an address that means every interface by one to connect to. */
function reachable(host: string): string {
  if (/^0+(\.0+){3}$/.test(host)) return "127.0.0.1";
  return /^[0:]*:[0:]*$/.test(host) ? "::1" : host;
}
