/** What would become of a start with a configuration, as far as it can be told without opening the proxy's ports. */
import type { Config } from "../config/config.ts";
import { listenerProblems } from "../config/listeners.ts";
import type { Problem } from "../config/problem.ts";
import type { Network } from "../net/network.ts";
import type { IsOwn } from "../net/ownAddress.ts";
import { descriptorRoom } from "./descriptorRoom.ts";
import { nodesNow } from "./nodesNow.ts";
import { isUnopened, Opening } from "./opening.ts";
import type { Platform } from "./platform.ts";
import type { WantedNode } from "./wantedNodes.ts";

export interface Foresight {
  /** Whether the proxy itself would receive what is sent to an address. */
  readonly isOwn: IsOwn;
  readonly nodes: readonly WantedNode[];
  /** Why the proxy would not start. */
  readonly errors: readonly Problem[];
  /** What keeps it from working as it should. */
  readonly warnings: readonly Problem[];
}

export async function foresee(
  config: Config,
  platform: Pick<Platform, "network" | "clock" | "descriptorLimit">,
): Promise<Foresight> {
  const { isOwn, nodes, errors, warnings } = await nodesNow(config, platform);
  const routes = await routeProblems(nodes, platform.network);
  const room = descriptorRoom(config, nodes.length, platform);
  return {
    isOwn,
    nodes,
    errors: [
      ...(await listeningProblems(config, platform.network)),
      ...errors,
      ...routes.errors,
      ...("message" in room ? [room] : []),
    ],
    warnings: [...warnings, ...routes.warnings],
  };
}

/** Tries the hosts that the proxy listens on, at ports that the kernel chooses, and closes them at once. */
async function listeningProblems(config: Config, network: Network): Promise<readonly Problem[]> {
  const opening = new Opening(network);
  const addresses = new Map<string, string>();
  const tryHost = async (at: string, host: string, open: (host: string) => Closable | Promise<Closable>) => {
    const address = await opening.resolve(at, host);
    if (address === undefined) return;
    addresses.set(host, address);
    await opening.open(at, () => open(address));
  };
  await tryHost("host", config.host, (host) => network.listenUdp({ ...SILENT_UDP, host }));
  await tryHost("managementhost", config.managementhost, (host) => network.listenTcp({ ...SILENT_TCP, host }));
  if (config.httpport !== 0) {
    await tryHost("httphost", config.httphost, (host) => network.listenTcp({ ...SILENT_TCP, host }));
  }
  opening.abandon();
  return [...opening.problems, ...listenerProblems(config, (host) => addresses.get(host) ?? host)];
}

/** Connects to the addresses that the configuration says, which sends nothing: there may be no route, or no permission. */
async function routeProblems(
  nodes: readonly WantedNode[],
  network: Network,
): Promise<Pick<Foresight, "errors" | "warnings">> {
  const errors: Problem[] = [];
  const unreachable: Problem[] = [];
  let usable = 0;
  for (const { hostName, addresses, config, at } of nodes) {
    if (hostName !== undefined) {
      // It may get another address at any time.
      usable++;
      continue;
    }
    for (const host of addresses) {
      const opening = new Opening(network);
      const parts = { host, port: config.port, onError: ignore, onDrain: ignore };
      const opened = await opening.tryToOpen(() => network.connectUdp(parts));
      opening.abandon();
      if (!isUnopened(opened)) usable++;
      else (opened.isUnreachable ? unreachable : errors).push({ at, message: opened.reason });
    }
  }
  // One without a route is down at the start.
  return usable > 0 ? { errors, warnings: unreachable } : { errors: [...errors, ...unreachable], warnings: [] };
}

type Closable = { close(): void };

const SILENT_UDP = { port: 0, reusePort: false, receiveBuffer: 4096, onDatagram: () => {}, onError: () => {} };

const ignore = () => {};
const SILENT_TCP = {
  ...{ port: 0, receiveBuffer: 4096, sendBuffer: 4096 },
  socket: { open: ignore, data: ignore, drain: ignore, end: ignore, timeout: ignore, close: ignore, error: ignore },
};
