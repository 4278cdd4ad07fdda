/** What a configuration would do, for people to read before they start the proxy. */
import type { Config } from "../config/config.ts";
import { checkOf, checkText } from "../config/nodeCheck.ts";
import type { WantedNode } from "../engine/wantedNodes.ts";
import type { Fingerprint32 } from "../placement/placement.ts";
import { placementOf } from "../placement/placementOf.ts";
import { shares } from "../placement/ring.ts";
import { hostPort } from "../text/hostPort.ts";
import { listText } from "../text/list.ts";
import { shareText } from "../text/quantities.ts";
import { tableText } from "../text/table.ts";
import { downLines } from "./downText.ts";

/** What is shown of a configuration's file. */
interface Planned {
  readonly config: Config;
  /** What was made of the file that it does not say itself. */
  readonly notes: readonly string[];
  readonly hash: string;
  /** What the configuration means now. */
  readonly nodes: readonly WantedNode[];
  /** Labels of nodes: what would be so while they are down is told too. */
  readonly down: readonly string[];
}

/** What a check leaves open. */
export const NOT_TRIED = "its ports were not opened: whether they are free shows when the proxy opens them";

/** Addresses of a name that are shown. */
const ADDRESSES_SHOWN_MAX = 3;

/**
 * @throws Error if the ring needs the farmhash addon and it is damaged
 */
export function planText(
  { config, notes, hash, nodes, down }: Planned,
  loadFingerprint32: () => Fingerprint32,
): string {
  const placed = { ring: config.ring, nodes: nodes.map((node) => node.config) };
  const placement = config.mirror ? undefined : placementOf(placed, loadFingerprint32);
  const shareOf = placement && shares(placement.full, nodes.length);
  const rows = nodes.map(({ config, addresses }, i) => [
    config.label,
    addressesText(addresses, config.port),
    checkOf(config) === undefined ? "no check" : `check ${checkText(config)}`,
    shareOf ? `${shareText(shareOf[i])} of the names` : "every metric",
  ]);
  return [
    `metrics at ${hostPort(config.host, config.port)} (UDP), console at ` +
      `${hostPort(config.managementhost, config.managementport)} (TCP)`,
    ...(config.httpport === 0 ? [] : [`status page at http://${hostPort(config.httphost, config.httpport)}/`]),
    ...notes,
    config.mirror ? "mirror: every metric to every node" : `ring ${config.ring}, failover ${config.failover}`,
    rows.length === 0 ? "  no nodes" : tableText(rows).replace(/^/gm, "  ").trimEnd(),
    ...downLines({ ...{ down, placement }, labels: rows.map(([label]) => label), holds: config.failover === "hold" }),
    `configuration ${hash} (config_hash ${Number.parseInt(hash, 16)})`,
    NOT_TRIED,
    "",
  ].join("\n");
}

/** The first of them is used, as long as it can be. */
function addressesText(addresses: readonly string[], port: number): string {
  if (addresses.length === 0) return "no address";
  return listText(
    addresses.map((address) => hostPort(address, port)),
    ADDRESSES_SHOWN_MAX,
  );
}
