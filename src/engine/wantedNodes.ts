/**
 * The nodes that a configuration means, given what its names mean: its own, in its order, and then those behind the
 * names that are to be discovered, in the numerical order of their addresses. So placement depends on the set alone,
 * whatever the order in which its members were found.
 */

import type { NodeConfig } from "../config/config.ts";
import { keyOf } from "../net/ipAddress.ts";
import type { Resolution } from "../net/resolver.ts";
import { NODES_MAX } from "../placement/ring.ts";
import { hostPort } from "../text/hostPort.ts";
import { isIP } from "../text/ip.ts";

export interface WantedNode {
  /** A discovered one has its address as host and in its label. */
  readonly config: NodeConfig;
  /** Path of its entry in the configuration. */
  readonly at: string;
  /** What its address is found by; undefined: the configuration says the address. */
  readonly hostName: string | undefined;
  /** In order of preference. A discovered node has one. */
  readonly addresses: readonly string[];
  /** Why there may be no address. */
  readonly failure: string | undefined;
}

/** An address that cannot be a node's, because the proxy itself receives what is sent there. */
export interface OwnAddress {
  readonly config: NodeConfig;
  readonly at: string;
  readonly address: string;
}

export interface WantedNodes {
  readonly nodes: readonly WantedNode[];
  readonly own: readonly OwnAddress[];
}

/** Hosts of nodes; those that are names are to be resolved. */
export function hostsOf(nodes: readonly NodeConfig[]): string[] {
  return nodes.map(({ host }) => host);
}

export function wantedNodes(
  configs: readonly NodeConfig[],
  resolutionOf: (host: string) => Resolution,
  isOwn: (address: string, port: number) => boolean,
): WantedNodes {
  const nodes: WantedNode[] = [];
  const own: OwnAddress[] = [];
  const discovered: (WantedNode & { readonly key: string })[] = [];
  const labels = new Set<string>();
  const taken = new Set<string>();
  configs.forEach((config, i) => {
    const { host, port } = config;
    const at = `nodes[${i}]`;
    const { addresses, isGone, failure } = resolutionOf(host);
    const hostName = isIP(host) === 0 ? host : undefined;
    const others = addresses.filter((address) => {
      if (!isOwn(address, port)) return true;
      own.push({ config, at, address });
      return false;
    });
    if (config.discover) {
      for (const address of isGone ? [] : others) {
        const label = hostPort(address, port);
        const node = {
          config: { ...config, host: address, label },
          at,
          hostName,
          addresses: [address],
          failure: undefined,
        };
        discovered.push({ ...node, key: keyAt(address, port) });
      }
      return;
    }
    labels.add(config.label);
    for (const address of addresses) taken.add(keyAt(address, port));
    const whyNone = addresses.length > others.length ? OWN : failure;
    nodes.push({ config, at, hostName, addresses: others, failure: whyNone });
  });
  // Of equal keys the first stays first: that of the entry which comes first in the configuration.
  discovered.sort((one, other) => (one.key < other.key ? -1 : Number(one.key > other.key)));
  for (const { key, ...node } of discovered) {
    const { label } = node.config;
    if (taken.has(key) || labels.has(label) || nodes.length === NODES_MAX) continue;
    taken.add(key);
    nodes.push(node);
  }
  return { nodes, own };
}

export const OWN = "the proxy itself listens here: metrics would loop";

/** In the order of addresses, then of ports. */
function keyAt(address: string, port: number): string {
  return `${keyOf(address)} ${String(port).padStart(5, "0")}`;
}
