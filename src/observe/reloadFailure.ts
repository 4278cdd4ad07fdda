/** The last reload that failed, as the console and HTTP tell it. */
import type { ConfigView } from "./view.ts";

/** One line with its end; empty unless an older configuration is in force. */
export function reloadFailureLine({ lastFailure }: ConfigView): string {
  return lastFailure === undefined ? "" : `configuration: last reload failed: ${lastFailure.reasons[0]}\n`;
}
