/** Why a node is down, for people: the check that failed last, or why there is no address. */
import { failedCheckText } from "../config/nodeCheck.ts";
import type { NodeView } from "./view.ts";

interface Judged {
  readonly config: NodeView["config"];
  readonly health: Pick<NodeView["health"], "isWell" | "lastCheck" | "lastFailure" | "noAddress">;
}

/** Undefined: nothing is known to be wrong with it. */
export function whyDown({ config, health }: Judged): string | undefined {
  const { noAddress, lastCheck, lastFailure, isWell } = health;
  if (noAddress !== undefined) return noAddress;
  // One that is up may have failed its last check, too; one that is down may have passed it, and has to pass more.
  const failure = isWell ? lastCheck?.failure : lastFailure;
  return failure && failedCheckText(config, failure);
}
