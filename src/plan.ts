/** What a configuration would do, for people to read before they start it. */
import { type Config, hostPort } from "./core/config.ts";
import { Placement } from "./core/placement.ts";
import { shares } from "./core/ring.ts";
import { tableText } from "./core/table.ts";
import { loadFingerprint32 } from "./io/farmhash.ts";

/** @throws Error if the ring needs the farmhash addon and that cannot be loaded */
export function planText(config: Config): string {
  const rows = config.nodes.map(({ label, host, port, managementport }, i) => [
    label,
    hostPort(host, port),
    managementport === 0 ? "not checked" : `checked at port ${managementport}`,
    config.mirror ? "every metric" : `${(100 * sharesOf(config)[i]).toFixed(1)} % of the names`,
  ]);
  return [
    `metrics at ${hostPort(config.host, config.port)} (UDP), console at ` +
      `${hostPort(config.managementhost, config.managementport)} (TCP)`,
    ...(config.httpport === 0 ? [] : [`status page at http://${hostPort(config.httphost, config.httpport)}/`]),
    config.mirror ? "mirror: every metric to every node" : `ring ${config.ring}, failover ${config.failover}`,
    tableText(rows).replace(/^/gm, "  ").trimEnd(),
    "",
  ].join("\n");
}

function sharesOf(config: Config): number[] {
  return shares(new Placement(config.ring, config.nodes, loadFingerprint32()).full, config.nodes.length);
}
