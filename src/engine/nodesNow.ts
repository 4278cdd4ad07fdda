/** The nodes that a configuration means at this moment, for commands that run no proxy. */

import type { Config, NodeConfig } from "../config/config.ts";
import type { Problem } from "../config/problem.ts";
import { type IsOwn, ownTest } from "../net/ownAddress.ts";
import { Resolver } from "../net/resolver.ts";
import { isIP } from "../text/ip.ts";
import type { Platform } from "./platform.ts";
import { hostsOf, OWN, type WantedNode, wantedNodes } from "./wantedNodes.ts";

export interface NodesNow {
  /** Whether the proxy itself would receive what is sent to an address. */
  readonly isOwn: IsOwn;
  readonly nodes: readonly WantedNode[];
  /** Nodes that are the proxy itself: it would not start. */
  readonly errors: readonly Problem[];
  /** Names that do not resolve: it would start all the same. */
  readonly warnings: readonly Problem[];
}

/** The same configuration with the nodes that it means, in place of the names that some are behind: for placement. */
export function withNodes(config: Config, nodes: readonly WantedNode[]): Config {
  return { ...config, nodes: nodes.map((node): NodeConfig => node.config) };
}

/** Waits for names as long as a start does. */
export async function nodesNow(
  { host, port, nodes: configs }: Config,
  { network, clock }: Pick<Platform, "network" | "clock">,
): Promise<NodesNow> {
  const silent = { info: () => {}, warn: () => {} };
  const resolver = new Resolver({ service: network.nameService, clock, log: silent, onAnswer: () => {} });
  await resolver.prepare(hostsOf(configs));
  const resolutionOf = (host: string) => resolver.resolutionOf(host);
  const listening = isIP(host) === 0 ? await network.resolve(host).catch(() => undefined) : host;
  const isOwn = ownTest({ address: listening, port }, network.ownAddresses());
  const { nodes, own } = wantedNodes(configs, resolutionOf, isOwn);
  const warnings = configs.flatMap(({ host }, i): Problem[] => {
    const { failure } = resolutionOf(host);
    return failure === undefined ? [] : [{ at: `nodes[${i}].host`, message: failure }];
  });
  resolver.close();
  const places = new Set(own.map(({ at }) => at));
  return { isOwn, nodes, errors: [...places].map((at) => ({ at, message: OWN })), warnings };
}
