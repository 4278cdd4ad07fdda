/** The address of a console, on the command line. */
import { InvalidArgumentError } from "@commander-js/extra-typings";

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
