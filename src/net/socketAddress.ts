/** A struct sockaddr of Linux, and what it is as text. */
import { hostPort } from "../text/hostPort.ts";
import { keyOf } from "./ipAddress.ts";

/** Of the larger one, sockaddr_in6. */
export const SOCKET_ADDRESS_BYTES = 28;
const SOCKET_ADDRESS_BYTES_IPV4 = 16;

const AF_INET = 2;
const AF_INET6 = 10;
const IPV4_AT = 4;
const IPV6_AT = 8;
const ZONE_AT = 24;
const IPV6_GROUPS = 8;
/** Zeros, then ff ff: an IPv4 address at a socket for both. */
const IPV4_MAPPED = [0, 0, 0, 0, 0, 0xffff];

/**
 * @param host an IP address without a zone; an IPv4-mapped one is its IPv4 address
 * @param zone the number of a network interface, for link-local addresses; 0: none
 */
export function socketAddressOf(host: string, port: number, zone = 0): Buffer {
  const [version, digits] = [keyOf(host)[0], keyOf(host).slice(1)];
  const isIPv4 = version === "4";
  const bytes = Buffer.alloc(isIPv4 ? SOCKET_ADDRESS_BYTES_IPV4 : SOCKET_ADDRESS_BYTES);
  bytes.writeUInt16LE(isIPv4 ? AF_INET : AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.write(digits, isIPv4 ? IPV4_AT : IPV6_AT, "hex");
  if (!isIPv4) bytes.writeUInt32LE(zone, ZONE_AT);
  return bytes;
}

/** `127.0.0.1:8125`, `[::1]:8125`; undefined: of another family. */
export function socketAddressText(bytes: Buffer, at: number): string | undefined {
  const family = bytes.readUInt16LE(at);
  const port = bytes.readUInt16BE(at + 2);
  if (family === AF_INET) return hostPort(ipv4(bytes, at + IPV4_AT), port);
  if (family !== AF_INET6) return undefined;
  const groups = Array.from({ length: IPV6_GROUPS }, (_, i) => bytes.readUInt16BE(at + IPV6_AT + 2 * i));
  if (IPV4_MAPPED.every((group, i) => groups[i] === group)) return hostPort(ipv4(bytes, at + IPV6_AT + 12), port);
  // Written in the usual short form.
  const { hostname } = new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`);
  return `${hostname}:${port}`;
}

function ipv4(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join(".");
}
