/** A sample of a proxy's figures, as `top` reads it from the answer to `status json`. */
import * as v from "valibot";

/** Not every proxy, or every machine, has all figures. */
const figure = v.optional(v.number());

/** The part of a `StatusJson` that is shown. */
const sampleSchema = v.object({
  uptime_ms: v.number(),
  version: v.optional(v.string()),
  host_name: v.optional(v.string()),
  listening: v.optional(v.string()),
  file: v.nullish(v.string()),
  verdict: v.optional(
    v.object({ state: v.string(), line: v.string(), troubles: v.optional(v.array(v.object({ line: v.string() }))) }),
  ),
  config: v.optional(
    v.object({ hash: v.optional(v.string()), last_failure: v.nullish(v.object({ reasons: v.array(v.string()) })) }),
  ),
  figures: v.object({
    packets_received: figure,
    kernel_drops: figure,
    lines_received: v.number(),
    lines_rejected: figure,
    lines_relayed: figure,
    lines_dropped: figure,
    lines_pending: figure,
    datagrams_sent: figure,
    delay_p50_seconds: figure,
    delay_p99_seconds: figure,
    delays_measured: figure,
    nodes: figure,
    nodes_up: figure,
    internal_errors: figure,
    invariant_violations: figure,
    log_lines_lost: figure,
    lines_self_dropped: figure,
    config_latest: figure,
  }),
  nodes: v.array(
    v.object({
      node: v.string(),
      up: v.boolean(),
      state: v.optional(v.string()),
      flapping: v.nullish(v.object({ changes: v.number() })),
      figures: v.object({
        ring_share: figure,
        lines_relayed: figure,
        lines_dropped: figure,
        lines_pending: figure,
        datagrams_sent: figure,
        bytes_sent: figure,
        lines_refused: figure,
        send_errors: figure,
        checks_failed: figure,
        checks_skipped: figure,
      }),
    }),
  ),
});

/** A proxy's figures at one moment. */
export type Sample = v.InferOutput<typeof sampleSchema>;

/** Parses the answer to `status json`; undefined: it is something else. */
export function sampleOf(answer: string): Sample | undefined {
  try {
    const { success, output } = v.safeParse(sampleSchema, JSON.parse(answer));
    return success ? output : undefined;
  } catch {
    return undefined;
  }
}
