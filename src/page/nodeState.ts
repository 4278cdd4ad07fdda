/** How a node is: in words, and how urgently somebody should look at it. */
import type { NodeJson } from "../observe/statusJson.ts";
import { durationText } from "./format.ts";
import type { LossName } from "./recentLosses.ts";

const LOSS_WORDS: Readonly<Record<LossName, string>> = { lines_refused: "refusing", send_errors: "send errors" };

/** From the worst to the best. */
const KINDS = ["down", "flapping", "losing", "set aside", "up"] as const;
type Kind = (typeof KINDS)[number];

const LOOKS: Readonly<Record<Kind, "bad" | "fair" | "good">> = {
  ...{ down: "bad", flapping: "fair", losing: "fair", "set aside": "fair", up: "good" },
};
const MARKS = { bad: "✕", fair: "▲", good: "●" } as const;

export interface ShownState {
  /** 0 is the worst. One that flaps keeps its place, whether it is up or down just now. */
  readonly rank: number;
  readonly look: "bad" | "fair" | "good";
  /** With its mark. */
  readonly text: string;
  /** For how long, or how often. */
  readonly more: string;
}

/** @param losses what it loses now */
export function stateOf(node: NodeJson, losses: readonly LossName[], nowMs: number): ShownState {
  const { state, up, flapping, since_ms } = node;
  const kind = kindOf(node, losses);
  // While it is down it is as red as any other.
  const look = kind === "flapping" && !up ? "bad" : LOOKS[kind];
  const words = {
    ...{ down: state, up: state, "set aside": state },
    ...{
      flapping: "flapping",
      losing: losses.map((loss) => LOSS_WORDS[loss]).join(", "),
    },
  };
  const more =
    kind === "flapping"
      ? `${up ? "up" : "down"}, ${flapping?.changes} changes in 5 min`
      : `for ${durationText((nowMs - since_ms) / 1000)}`;
  return { rank: KINDS.indexOf(kind), look, text: `${MARKS[look]} ${words[kind]}`, more };
}

function kindOf({ state, up, flapping }: NodeJson, losses: readonly LossName[]): Kind {
  if (state === "drained" || state === "set down") return "set aside";
  if (flapping !== null) return "flapping";
  if (!up) return "down";
  return losses.length > 0 ? "losing" : "up";
}
