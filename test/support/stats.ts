/** Every figure of a view by its full name, as `lines_rejected.no_colon` or `node.127.0.0.1:8130.lines_relayed`, in order. */
import { nodeStatsOf, proxyStatsOf } from "../../src/observe/readings.ts";
import type { View } from "../../src/observe/view.ts";

export function statsOf(view: View): [name: string, value: number][] {
  const ofNodes = view.nodes.flatMap((node) =>
    nodeStatsOf(node).map(([name, value]): [string, number] => [`node.${node.label}.${name}`, value]),
  );
  return [...proxyStatsOf(view), ...ofNodes];
}
