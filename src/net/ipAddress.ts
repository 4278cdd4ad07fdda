/** IP addresses as text: their numerical order, and which of them a backend may have. */
import { isIP, isIPv6 } from "../text/ip.ts";

/** An IPv6 address that is an IPv4 address begins with this. */
const MAPPED = `${"0".repeat(20)}ffff`;

/** An IPv4-mapped IPv6 address is its IPv4 address; any other text stays as it is. */
export function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** In numerical order, IPv4 first, each once, and without those that no backend has. */
export function backendAddresses(addresses: readonly string[]): string[] {
  const byKey = new Map(
    addresses.map(unmapped).flatMap((address) => (isBackends(address) ? [[keyOf(address), address]] : [])),
  );
  return [...byKey.keys()].sort().map((key) => byKey.get(key) as string);
}

/**
 * A text for each IP address, whichever way it is written: equal for equal addresses, and in their numerical order, IPv4
 * first. It is the version, then the address in hexadecimal digits, then the zone.
 */
export function keyOf(address: string): string {
  const [plain, zone = ""] = address.split("%");
  if (!isIPv6(plain)) return `4${hex(plain.split(".").map(Number), 2)}`;
  const groups = plain.replace(/\d+\.\d+\.\d+\.\d+$/, (ipv4) => {
    const [a, b, c, d] = ipv4.split(".").map(Number);
    return `${(256 * a + b).toString(16)}:${(256 * c + d).toString(16)}`;
  });
  const [front, back] = groups.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const zeros = back === undefined ? [] : new Array<string>(8 - front.length - back.length).fill("0");
  const all = [...front, ...zeros, ...(back ?? [])];
  const digits = hex(
    all.map((group) => Number.parseInt(group, 16)),
    4,
  );
  return digits.startsWith(MAPPED) ? `4${digits.slice(MAPPED.length)}` : `6${digits}${zone}`;
}

/**
 * The keys of what name servers answer to block a name, and of what cannot be connected to: 0.0.0.0/8 and ::; from
 * 224.0.0.0 on, multicast, reserved and broadcast; ff00::/8, multicast; fe80::/10, link-local, of no use without an
 * interface.
 */
const NOBODYS = /^(?:400|4[ef]|60{32}$|6ff|6fe[89ab])/;

function isBackends(address: string): boolean {
  return isIP(address) !== 0 && (address.includes("%") || !NOBODYS.test(keyOf(address)));
}

function hex(numbers: readonly number[], digits: number): string {
  return numbers.map((number) => number.toString(16).padStart(digits, "0")).join("");
}
