/**
 * Nodes by label, as in the latest answer. Nodes come, go and change places between two answers, so only a node's label
 * may be remembered; its number and colour follow from its place in this list.
 */
import type { NodeJson } from "../observe/statusJson.ts";

interface ListedNode {
  readonly index: number;
  readonly node: NodeJson;
}

export type NodesByLabel = ReadonlyMap<string, ListedNode>;

export function nodesByLabel(nodes: readonly NodeJson[]): NodesByLabel {
  return new Map(nodes.map((node, index) => [node.node, { index, node }]));
}

/** The node's number and label, as in the table; only the label if the node is no longer in the list. */
export function numberedLabel(label: string, nodes: NodesByLabel): string {
  const listed = nodes.get(label);
  return listed === undefined ? label : `${listed.index + 1}: ${label}`;
}

/** The label; marked if the node is no longer in the list. */
export function listedLabel(label: string, nodes: NodesByLabel): string {
  return nodes.has(label) ? label : `${label} (removed)`;
}
