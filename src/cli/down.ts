/** `--down NODE`, which can be repeated. */
import { suggestion } from "../text/nearest.ts";

export function collectDown(node: string, before: readonly string[] = []): readonly string[] {
  return before.includes(node) ? before : [...before, node];
}

/** For people: a line for each that is no node of these. */
export function unknownNodes(down: readonly string[], labels: readonly string[]): string[] {
  return down
    .filter((node) => !labels.includes(node))
    .map((node) => `--down: there is no node ${node}${suggestion(node, labels)}`);
}
