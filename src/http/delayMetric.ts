/** The delays as a classic histogram in Prometheus' text format. */
import { DELAY_BOUNDS, type DelayView } from "../observe/delayHistogram.ts";

const NAME = "statsd_proxy_delay_seconds";
const HELP =
  "from the kernel's receipt of a datagram to the hand-over of its lines for a backend, of a sample of the datagrams";

/** Empty where delays cannot be measured: nothing is not the same as 0. */
export function delayMetricText(delay: DelayView | undefined): string {
  if (delay === undefined) return "";
  const { counts, count, sumSeconds } = delay;
  const buckets = DELAY_BOUNDS.map((bound, i) => `${NAME}_bucket{le="${bound}"} ${counts[i]}\n`).join("");
  return `# HELP ${NAME} ${HELP}\n# TYPE ${NAME} histogram\n${buckets}${NAME}_bucket{le="+Inf"} ${count}\n${NAME}_sum ${sumSeconds}\n${NAME}_count ${count}\n`;
}
