/** Losses as events: said when they begin, then once a minute how many there were, for as long as they go on. */
import type { LogEvent } from "../log/logLimit.ts";
import { type Loss, nameOf, type Reading, readingsOf, type View } from "./figures.ts";

export const SAID_AGAIN_MS = 60_000;

export class Losses {
  /** By node and figure: what it was when it was said last, and when. */
  private readonly said = new Map<string, { value: number; atMs: number }>();

  /** What there is to say now. */
  see(view: View, nowMs: number): LogEvent[] {
    return readingsOf(view).flatMap((reading) => {
      const { loss } = reading.figure;
      if (loss === undefined || !tells(loss, reading)) return [];
      const of = JSON.stringify([reading.node, nameOf(reading)]);
      const before = this.said.get(of) ?? { value: 0, atMs: Number.NEGATIVE_INFINITY };
      if (reading.value <= before.value || nowMs < before.atMs + SAID_AGAIN_MS) return [];
      this.said.set(of, { value: reading.value, atMs: nowMs });
      return [eventOf(loss, reading, before.value)];
    });
  }
}

function tells({ only }: Loss, { key }: Reading): boolean {
  return only === undefined || (key !== undefined && only.includes(key));
}

function eventOf({ event }: Loss, { figure, node, key, value }: Reading, before: number): LogEvent {
  const fields = {
    ...(node === undefined ? {} : { node }),
    ...(key === undefined ? {} : { reason: key }),
    [figure.unit]: value - before,
    total: value,
  };
  return { level: "warn", event, fields };
}
