/** The nodes that a configuration means at this moment, for commands that run no proxy. */
import type { Config, NodeConfig } from "../config/config.ts";
import { type Problem, problemText } from "../config/problem.ts";
import { Resolver } from "../net/resolver.ts";
import type { Platform } from "./platform.ts";
import { hostsOf, type WantedNode, wantedNodes } from "./wantedNodes.ts";

export interface NodesNow {
  readonly nodes: readonly WantedNode[];
  /** Names that do not resolve, a line each. A proxy starts all the same. */
  readonly warnings: readonly string[];
}

/** The configuration with discovered nodes in place of the names that they are behind: for placement. */
export async function withDiscovered(config: Config, platform: Parameters<typeof nodesNow>[1]): Promise<Config> {
  if (!config.nodes.some(({ discover }) => discover)) return config;
  const { nodes } = await nodesNow(config, platform);
  return { ...config, nodes: nodes.map((node): NodeConfig => node.config) };
}

/** Waits for names as long as a start does. */
export async function nodesNow(
  { nodes: configs }: Config,
  { network, clock }: Pick<Platform, "network" | "clock">,
): Promise<NodesNow> {
  const silent = { info: () => {}, warn: () => {} };
  const resolver = new Resolver({ service: network.nameService, clock, log: silent, onAnswer: () => {} });
  await resolver.prepare(hostsOf(configs));
  const { nodes } = wantedNodes(
    configs,
    (host) => resolver.resolutionOf(host),
    () => false,
  );
  const problems = configs.flatMap(({ host }, i): Problem[] => {
    const { failure } = resolver.resolutionOf(host);
    return failure === undefined ? [] : [{ at: `nodes[${i}].host`, message: failure }];
  });
  resolver.close();
  return { nodes, warnings: problems.map(problemText) };
}
