/**
 * How long lines take through the proxy: from the kernel's receipt of a datagram to the end of its turn, when everything
 * that came in it is handed to the kernel again. Of a sample: a datagram of each bulk read, chosen by chance, which
 * stands for all of them: many are read at once just when they have waited long.
 */
import { DelayHistogram, type DelayView } from "./delayHistogram.ts";

/** Datagrams of one turn that are measured: with 64 a read, those of a turn of 8,192, or the first ones of a longer turn. */
const MEASURED_MAX = 128;

export class Delays {
  private readonly histogram = new DelayHistogram();
  /** When the datagrams of this turn were received, on the monotonic clock. */
  private readonly receivedMs = new Float64Array(MEASURED_MAX);
  /** How many datagrams each of them stands for. */
  private readonly weights = new Uint32Array(MEASURED_MAX);
  private measured = 0;

  /**
   * A datagram that was read now, and had waited for so long in the kernel; NaN: not known.
   * @param datagrams that it stands for
   */
  read(waitedMs: number, nowMs: number, datagrams: number): void {
    if (this.measured === MEASURED_MAX || Number.isNaN(waitedMs)) return;
    this.weights[this.measured] = datagrams;
    this.receivedMs[this.measured++] = nowMs - waitedMs;
  }

  /** What was read is handed over. */
  handedOver(nowMs: number): void {
    const { receivedMs, weights, measured } = this;
    for (let i = 0; i < measured; i++) this.histogram.record(nowMs - receivedMs[i], nowMs, weights[i]);
    this.measured = 0;
  }

  view(nowMs: number): DelayView {
    return this.histogram.view(nowMs);
  }
}
