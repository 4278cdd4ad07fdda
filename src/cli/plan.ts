/** What a configuration would do, for people to read before they start the proxy. */
import type { Config } from "../config/config.ts";
import type { Fingerprint32 } from "../placement/placement.ts";
import { placementOf } from "../placement/placementOf.ts";
import { shares } from "../placement/ring.ts";
import { hostPort } from "../text/hostPort.ts";
import { tableText } from "../text/table.ts";

/** What is shown of a configuration's file. */
interface Planned {
  readonly config: Config;
  /** What was made of the file that it does not say itself. */
  readonly notes: readonly string[];
  readonly hash: string;
}

/**
 * @throws Error if the ring needs the farmhash addon and it cannot be loaded
 */
export function planText({ config, notes, hash }: Planned, loadFingerprint32: () => Fingerprint32): string {
  const shareOf = config.mirror ? undefined : shares(placementOf(config, loadFingerprint32).full, config.nodes.length);
  const rows = config.nodes.map(({ label, host, port, managementport }, i) => [
    label,
    hostPort(host, port),
    managementport === 0 ? "not checked" : `checked at port ${managementport}`,
    shareOf ? `${(100 * shareOf[i]).toFixed(1)} % of the names` : "every metric",
  ]);
  return [
    `metrics at ${hostPort(config.host, config.port)} (UDP), console at ` +
      `${hostPort(config.managementhost, config.managementport)} (TCP)`,
    ...(config.httpport === 0 ? [] : [`status page at http://${hostPort(config.httphost, config.httpport)}/`]),
    ...notes,
    config.mirror ? "mirror: every metric to every node" : `ring ${config.ring}, failover ${config.failover}`,
    tableText(rows).replace(/^/gm, "  ").trimEnd(),
    `configuration ${hash} (config_hash ${Number.parseInt(hash, 16)})`,
    "",
  ].join("\n");
}
