/** Whether the process may open as many files as a configuration needs. */
import type { Config } from "../config/config.ts";
import type { Problem } from "../config/problem.ts";
import { divideDescriptors, type Room } from "../system/descriptors.ts";
import type { Platform } from "./platform.ts";

/** How many connections are possible; or why none are, and what would help. @param nodes with those behind names */
export function descriptorRoom(
  { httpport }: Pick<Config, "httpport">,
  nodes: number,
  { descriptorLimit }: Pick<Platform, "descriptorLimit">,
): Room | Problem {
  const limit = descriptorLimit();
  const room = divideDescriptors(limit, nodes, httpport === 0 ? 1 : 2);
  if ("connectionsMax" in room) return room;
  const { needed } = room;
  const raise = `raise it with ulimit -n ${needed}, or LimitNOFILE=${needed} in a systemd unit`;
  return {
    at: "nodes",
    message: `a proxy with ${nodes} nodes needs ${needed} open files, but the limit is ${limit}: ${raise}`,
  };
}
