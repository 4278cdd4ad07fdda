/** What came of an operator's word about a node. */
import type { OperatorWord } from "../health/nodeHealth.ts";
import { shareText } from "../text/quantities.ts";

export interface NodeSetting {
  readonly word: OperatorWord;
  readonly was: OperatorWord;
  /** What its checks say. */
  readonly isWell: boolean;
  /** Why they say that it is down, for people. */
  readonly failure: string | undefined;
  /** Part of all names that have another owner now; undefined when mirroring. */
  readonly movedPart: number | undefined;
  /** Part of all names that are its own now, whether it gets their lines or not; undefined when mirroring. */
  readonly share: number | undefined;
  /** Whether a node that is down keeps its names. */
  readonly holds: boolean;
  /** Nodes that get lines now. */
  readonly upCount: number;
}

/** For people, with its line ends. */
export function nodeSettingText(label: string, setting: NodeSetting): string {
  const { word, was, upCount } = setting;
  const nobody = upCount === 0 ? "no node is left: lines are dropped until one is up\n" : "";
  if (word === was) return `nothing changed: ${label} ${NOW[word]} already\n${nobody}`;
  return `${label} ${effectOf(setting)}\n${nobody}`;
}

const NOW = { up: "goes by its checks", drain: "drains", down: "is set down" } as const;

function effectOf({ word, isWell, failure, movedPart, share, holds, upCount }: NodeSetting): string {
  if (word === "up") {
    if (!isWell) return `is up again when it is well: ${failure ?? "it is down"}`;
    return movedPart === undefined || movedPart === 0
      ? "is up"
      : `is up: ${shareText(movedPart)} of the names moved to it`;
  }
  if (movedPart === undefined) return `${NOW[word]}: it gets no more lines`;
  if (word === "down" && holds) {
    return `${NOW[word]}: ${shareText(share ?? 0)} of the names are held, and their lines dropped, until it is up`;
  }
  if (upCount === 0) return `${NOW[word]}: it gets no more lines`;
  const others = upCount === 1 ? "1 node" : `${upCount} nodes`;
  return `${NOW[word]}: ${shareText(movedPart)} of the names moved to ${others}`;
}
