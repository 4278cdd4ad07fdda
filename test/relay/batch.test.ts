import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BATCH_BYTES_MAX, BATCH_DATAGRAMS_MAX, Batch } from "../../src/relay/batch.ts";

/** The largest line that UDP can bring. */
const LINE_BYTES_MAX = 65_507;
const LIMITS = [0, 1, 10, 100, 512, 1432, 8932, 65_507];

describe("a batch", () => {
  test("fills a datagram to its last byte with the lines of a run", () => {
    const batch = new Batch(11);
    const run = Buffer.from("aaa:1|c\nb:1\nc:1");
    expect(batch.append(run, 0, run.length, 3)).toBe(run.length);
    expect(batch.views().map(String)).toEqual(["aaa:1|c\nb:1", "c:1"]);
  });

  test("returns every line once, unchanged and in order, in datagrams within the limit", () => {
    const lineLength = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 60 }) },
      { weight: 4, arbitrary: fc.integer({ min: 400, max: 1500 }) },
      { weight: 2, arbitrary: fc.constantFrom(...LIMITS.slice(1), 9, 11, 511, 513, 1431, 1433) },
      { weight: 1, arbitrary: fc.integer({ min: 20_000, max: LINE_BYTES_MAX }) },
    );
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.array(lineLength, { minLength: 1, maxLength: 30, size: "max" }) },
      { weight: 1, arbitrary: fc.nat({ max: BATCH_DATAGRAMS_MAX }) },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...LIMITS),
        fc.array(step, { maxLength: 30, size: "max" }),
        (datagramBytesMax, steps) => {
          const batch = new Batch(datagramBytesMax);
          const model = new ModelBatch();
          for (const step of steps) {
            if (typeof step === "number") {
              const datagrams = Math.min(step, batch.datagrams);
              model.expectShifted(batch.views().slice(0, datagrams), batch.shift(datagrams));
            } else {
              model.append(batch, step, datagramBytesMax);
            }
            model.expectPending(batch, datagramBytesMax);
          }
          batch.release();
        },
      ),
      { numRuns: 100 },
    );
  });

  test("packs lines until a datagram is full", () => {
    const batch = new Batch(20);
    for (const line of ["aaaa:1|c", "bbbb:2|c", "cccc:3|c", "dd:4|c"])
      expect(appendText(batch, line)).toBe(line.length);
    expect(texts(batch)).toEqual(["aaaa:1|c\nbbbb:2|c", "cccc:3|c\ndd:4|c"]);
    expect(batch.linesPending).toBe(4);
  });

  test("is filled to its last byte, and never beyond", () => {
    const rest = BATCH_BYTES_MAX - 2 * LINE_BYTES_MAX;
    for (const [length, fits] of [
      [rest, true],
      [rest + 1, false],
    ] as const) {
      const batch = new Batch(0);
      for (const line of ["a", "b"]) expect(appendText(batch, line.repeat(LINE_BYTES_MAX))).toBe(LINE_BYTES_MAX);
      expect(appendText(batch, "c".repeat(length))).toBe(fits ? length : 0);
      expect(batch.linesPending).toBe(fits ? 3 : 2);
    }
  });

  test("fills a datagram to its last byte, and never beyond", () => {
    const exact = new Batch(17);
    appendText(exact, "aaaa:1|c");
    appendText(exact, "bbbb:2|c");
    expect(texts(exact)).toEqual(["aaaa:1|c\nbbbb:2|c"]);
    const short = new Batch(16);
    appendText(short, "aaaa:1|c");
    appendText(short, "bbbb:2|c");
    expect(texts(short)).toEqual(["aaaa:1|c", "bbbb:2|c"]);
  });

  test("fills a datagram to its last byte from a long run, too", () => {
    const run = "aaaa:1|c\nbbbb:2|c\ncccc:3|c\ndddd:4|c";
    const exact = new Batch(17);
    appendText(exact, run);
    expect(texts(exact)).toEqual(["aaaa:1|c\nbbbb:2|c", "cccc:3|c\ndddd:4|c"]);
    const short = new Batch(16);
    appendText(short, run);
    expect(texts(short)).toEqual(run.split("\n"));
  });

  test("takes a run of several lines at once, and splits it only between lines", () => {
    const batch = new Batch(20);
    const run = "aaaa:1|c\nbbbb:2|c\ncccc:3|c\ndd:4|c\ne:5|c";
    expect(appendText(batch, run)).toBe(run.length);
    expect(texts(batch).join("\n")).toBe(run);
    expect(batch.linesPending).toBe(5);
  });

  test("0: one line in each datagram", () => {
    const batch = new Batch(0);
    appendText(batch, "a:1|c\nb:2|c");
    appendText(batch, "c:3|c");
    expect(texts(batch)).toEqual(["a:1|c", "b:2|c", "c:3|c"]);
    expect(batch.datagrams).toBe(3);
  });

  test("a line that is longer than a datagram goes out alone, its neighbours separately", () => {
    const long = `${"x".repeat(50)}:1|c`;
    const batch = new Batch(20);
    appendText(batch, `a:1|c\n${long}\nb:2|c\nc:3|c`);
    expect(texts(batch)).toEqual(["a:1|c", long, "b:2|c\nc:3|c"]);
  });

  test("takes the largest line of all when it is empty", () => {
    for (const datagramBytesMax of LIMITS) {
      const batch = new Batch(datagramBytesMax);
      expect(appendText(batch, "x".repeat(LINE_BYTES_MAX))).toBe(LINE_BYTES_MAX);
      expect(batch.linesPending).toBe(1);
    }
  });

  test("continues where it stopped once there is room again", () => {
    const batch = new Batch(0);
    const lines = Array.from({ length: BATCH_DATAGRAMS_MAX + 3 }, (_, i) => `line${i}:1|c`);
    const run = lines.join("\n");
    const refusedAt = appendText(batch, run);
    expect(run.slice(refusedAt)).toBe(lines.slice(BATCH_DATAGRAMS_MAX).join("\n"));
    expect(appendText(batch, run, refusedAt)).toBe(refusedAt);
    expect(batch.linesPending).toBe(BATCH_DATAGRAMS_MAX);
    expect(batch.shift(2)).toBe(2);
    const refusedAgainAt = appendText(batch, run, refusedAt);
    expect(run.slice(refusedAgainAt)).toBe(lines[BATCH_DATAGRAMS_MAX + 2]);
    expect(texts(batch)).toEqual(lines.slice(2, BATCH_DATAGRAMS_MAX + 2));
  });

  test("reuses the space of bytes that were sent", () => {
    const batch = new Batch(1432);
    const line = (letter: string) => letter.repeat(60_000);
    expect(appendText(batch, line("a"))).toBe(60_000);
    expect(appendText(batch, line("b"))).toBe(60_000);
    expect(appendText(batch, line("c"))).toBe(0);
    expect(batch.shift(1)).toBe(1);
    expect(appendText(batch, line("c"))).toBe(60_000);
    expect(texts(batch)).toEqual([line("b"), line("c")]);
  });

  test("that is empty returns nothing", () => {
    const batch = new Batch(1432);
    expect(batch.views()).toEqual([]);
    expect(batch.shift(0)).toBe(0);
    expect([batch.datagrams, batch.linesPending]).toEqual([0, 0]);
  });
});

/** The lines that a batch must hold, first to last. */
class ModelBatch {
  private lines: string[] = [];
  private appended = 0;

  /** Appends a run of lines of these lengths, which lies among other lines as in a datagram. */
  append(batch: Batch, lengths: readonly number[], datagramBytesMax: number): void {
    const run = lengths.map((length) => `${this.appended++}:`.padEnd(length, "x").slice(0, length));
    const before = "before\n";
    const source = Buffer.from(`${before}${run.join("\n")}\nafter\nafter`, "latin1");
    const start = before.length;
    const end = start + run.join("\n").length;
    const bytesBefore = pendingBytes(batch);
    const reached = batch.append(source, start, end, run.length);
    const rest = reached === end ? [] : source.toString("latin1", reached, end).split("\n");
    const taken = run.slice(0, run.length - rest.length);
    expect(rest).toEqual(run.slice(taken.length));
    this.lines.push(...taken);
    if (rest.length > 0) {
      // It was full: of datagrams, or of bytes by no more than the next line or datagram.
      const next = Math.max(rest[0].length, Math.min(datagramBytesMax, end - reached));
      const full = batch.datagrams === BATCH_DATAGRAMS_MAX || pendingBytes(batch) + next > BATCH_BYTES_MAX;
      expect({ full, bytesBefore }).toEqual({ full: true, bytesBefore });
    }
  }

  expectShifted(datagrams: readonly Buffer[], lines: number): void {
    const sent = datagrams.flatMap((bytes) => bytes.toString("latin1").split("\n"));
    expect(sent).toEqual(this.lines.slice(0, sent.length));
    expect(lines).toBe(sent.length);
    this.lines = this.lines.slice(sent.length);
  }

  expectPending(batch: Batch, datagramBytesMax: number): void {
    const datagrams = texts(batch);
    expect(datagrams.flatMap((datagram) => datagram.split("\n"))).toEqual(this.lines);
    expect(batch.linesPending).toBe(this.lines.length);
    expect(batch.datagrams).toBe(datagrams.length);
    expect(batch.datagrams).toBeLessThanOrEqual(BATCH_DATAGRAMS_MAX);
    expect(pendingBytes(batch)).toBeLessThanOrEqual(BATCH_BYTES_MAX);
    for (const datagram of datagrams)
      expect(datagram.length <= datagramBytesMax || !datagram.includes("\n")).toBe(true);
  }
}

function appendText(batch: Batch, text: string, start = 0): number {
  const source = Buffer.from(text, "latin1");
  return batch.append(source, start, source.length, text.slice(start).split("\n").length);
}

function texts(batch: Batch): string[] {
  return batch.views().map((bytes) => bytes.toString("latin1"));
}

function pendingBytes(batch: Batch): number {
  return batch.views().reduce((sum, { length }) => sum + length, 0);
}
