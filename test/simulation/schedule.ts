/** What happens when: a binary heap of times, in which equal times keep their order. */

export interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

export class Schedule {
  private readonly heap: Scheduled[] = [];
  private orders = 0;
  private cancelled = 0;

  /** Those that are neither over nor cancelled. */
  get size(): number {
    return this.heap.length - this.cancelled;
  }

  add(atMs: number, run: () => void): Scheduled {
    const entry: Scheduled = { atMs, order: this.orders++, run, isCancelled: false };
    const { heap } = this;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(entry, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
    return entry;
  }

  /** One that is over is cancelled in vain. */
  cancel(entry: Scheduled): void {
    if (entry.isCancelled) return;
    entry.isCancelled = true;
    this.cancelled++;
  }

  /** When the next is due; Infinity: there is none. */
  nextAtMs(): number {
    const { heap } = this;
    while (heap.length > 0 && heap[0].isCancelled) {
      this.remove();
      this.cancelled--;
    }
    return heap.length === 0 ? Number.POSITIVE_INFINITY : heap[0].atMs;
  }

  /** Takes the next that is due by then. */
  take(byMs: number): Scheduled | undefined {
    if (this.nextAtMs() > byMs) return undefined;
    const entry = this.remove();
    // From now on it can only be cancelled in vain.
    entry.isCancelled = true;
    return entry;
  }

  private remove(): Scheduled {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop() as Scheduled;
    const { length } = heap;
    if (length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
