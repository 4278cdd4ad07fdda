/**
 * Nodes by their labels, as the latest answer lists them. Nodes come, go and change places between two answers, so a
 * label is all that may be remembered of one; its number and its colour are those of its place in this list.
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

/** The node's number and label, as in the table; the label alone if the node is not in the list any more. */
export function numberedLabel(label: string, nodes: NodesByLabel): string {
  const listed = nodes.get(label);
  return listed === undefined ? label : `${listed.index + 1}: ${label}`;
}
