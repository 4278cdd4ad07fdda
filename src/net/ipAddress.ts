/** IP addresses as text: their numerical order, and which of them a backend may have. */
import { BlockList, isIP, isIPv6 } from "node:net";

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
 * first.
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
  return `6${hex(
    all.map((group) => Number.parseInt(group, 16)),
    4,
  )}${zone}`;
}

/** Answers of name servers that block a name, and addresses that cannot be connected to. */
const NOBODYS = new BlockList();
NOBODYS.addSubnet("0.0.0.0", 8, "ipv4");
// Multicast, reserved, broadcast.
NOBODYS.addSubnet("224.0.0.0", 3, "ipv4");
NOBODYS.addAddress("::", "ipv6");
NOBODYS.addSubnet("ff00::", 8, "ipv6");
// Link-local, of no use without an interface.
NOBODYS.addSubnet("fe80::", 10, "ipv6");

function isBackends(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && (address.includes("%") || !NOBODYS.check(address, version === 4 ? "ipv4" : "ipv6"));
}

function hex(numbers: readonly number[], digits: number): string {
  return numbers.map((number) => number.toString(16).padStart(digits, "0")).join("");
}
