import { dlopen, ptr } from "bun:ffi";
import { describe, expect, onTestFinished, spyOn, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { openLineWriter, PollingWriter, WAITING_BYTES_MAX } from "../../src/log/lineWriter.io.ts";
import { type Libc, openLibc } from "../../src/system/libc.io.ts";
import { Fifo } from "../support/fifo.ts";
import { emptyFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const LINUX = process.platform === "linux";
const PIPE_BYTES = 65_536;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const POLLIN = 1;

const lostLine = (lines: number) => `lost ${lines}`;
const describeOnLinux = (name: string, body: () => void) =>
  describe.skipIf(!LINUX)(name + (LINUX ? "" : " (skipped: Linux only)"), body);

/** Writes until something is lost; returns how many lines it took. */
function writeUntilLost(writer: PollingWriter | ReturnType<typeof openLineWriter>, line: string): number {
  let count = 0;
  for (; writer.linesLost === 0; count++) writer.write(line);
  return count - 1;
}

/** Two descriptors that are connected, and block. */
function connectedPair(open: (fds: Int32Array) => number): [number, number] {
  const fds = new Int32Array(2);
  expect(open(fds)).toBe(0);
  onTestFinished(() => fds.forEach((fd) => void closeSync(fd)));
  return [fds[0], fds[1]];
}

function socketPair(type: number): [number, number] {
  const { socketpair } = dlopen("libc.so.6", {
    socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  }).symbols;
  return connectedPair((fds) => socketpair(AF_UNIX, type, 0, ptr(fds)));
}

function isReadable(fd: number): boolean {
  const pollfd = Int32Array.of(fd, POLLIN);
  return openLibc().poll(ptr(pollfd), 1, 0) > 0 && ((pollfd[1] >> 16) & POLLIN) !== 0;
}

/** What one read(2) after the other gets, as long as there is something. */
function piecesIn(fd: number): string[] {
  const pieces: string[] = [];
  const bytes = Buffer.alloc(PIPE_BYTES);
  while (isReadable(fd)) pieces.push(bytes.toString("utf8", 0, readSync(fd, bytes)));
  return pieces;
}

describeOnLinux("lines to a pipe", () => {
  test("are written without being asked for, in order, whatever is in them", async () => {
    const pipe = new Fifo();
    const writer = openLineWriter(pipe.writer(), lostLine);
    const lines = ["one", "", "zwölf €𝄞", "\ud800 alone", "x".repeat(3 * 4096), "end"];
    for (const line of lines) writer.write(line);
    await until("all lines", () => pipe.read().endsWith("end\n"));
    expect(pipe.lines()).toEqual(lines.map((line) => line.toWellFormed()));
    expect(writer.linesLost).toBe(0);
  });

  test.each([
    ["blocks", true],
    ["does not block", false],
  ])(
    "that nobody reads, and that %s, wait; more than that are left out, and told when there is room",
    async (_, blocks) => {
      const pipe = new Fifo();
      const writer = new PollingWriter(openLibc(), pipe.writer(blocks), lostLine);
      const line = "y".repeat(999);
      const taken = writeUntilLost(writer, line);
      expect(taken).toBeGreaterThanOrEqual(Math.floor((WAITING_BYTES_MAX + PIPE_BYTES / 2) / 1000));
      expect(taken).toBeLessThanOrEqual(Math.ceil((WAITING_BYTES_MAX + PIPE_BYTES) / 1000));
      writer.write("one more");
      // The timer finds the room.
      await until("what was lost is told", () => pipe.read().endsWith("\nlost 2\n"));
      expect(pipe.lines()).toEqual([...Array.from({ length: taken }, () => line), "lost 2"]);
      writer.write("behind it");
      await until("the next line", () => pipe.read().endsWith("\nlost 2\nbehind it\n"));
      expect(writer.linesLost).toBe(2);
    },
  );

  test("that nobody reads are looked at more and more seldom, but never less than three times a second", () => {
    const pipe = new Fifo();
    pipe.fill();
    const libc = openLibc();
    let looks = 0;
    const poll = ((...args: Parameters<Libc["poll"]>) => {
      looks++;
      return libc.poll(...args);
    }) as Libc["poll"];
    const writer = new PollingWriter({ ...libc, poll }, pipe.writer(), lostLine);
    const timers: { fire: () => void; ms: number; isUnref: boolean }[] = [];
    const setTimer = spyOn(globalThis, "setTimeout").mockImplementation(((fire: () => void, ms: number) => {
      const timer = { fire, ms, isUnref: false, unref: () => Object.assign(timer, { isUnref: true }) };
      timers.push(timer);
      return timer;
    }) as never);
    onTestFinished(() => setTimer.mockRestore());

    for (let i = 0; i < 100; i++) writer.write("y".repeat(5000));
    expect(looks).toBe(1);
    while (timers.length < 9) timers[timers.length - 1].fire();
    expect(timers.map(({ ms }) => ms)).toEqual([5, 10, 20, 40, 80, 160, 320, 320, 320]);
    // A reader that may never come keeps no program from its end.
    expect(timers.every(({ isUnref }) => isUnref)).toBe(true);

    for (let timer = timers.pop(); timer !== undefined; timer = timers.pop()) {
      timers.length = 0;
      pipe.read();
      timer.fire();
    }
    expect(pipe.lines()).toHaveLength(100);
    pipe.fill();
    writer.write("y".repeat(5000));
    expect(timers.map(({ ms }) => ms)).toEqual([5]);
  });

  test("wait for a reader that has gone, and for the next", async () => {
    const pipe = new Fifo();
    const writer = openLineWriter(pipe.writer(), lostLine);
    pipe.closeReader();
    writer.write("for whoever comes");
    writer.flush(10_000);
    pipe.readAgain();
    await until("the line", () => pipe.read() === "for whoever comes\n");
  });

  test("are either read or told as left out, each in its place", () => {
    const pipe = new Fifo();
    const fd = pipe.writer();
    const step = fc.oneof(
      fc.record({ count: fc.integer({ min: 1, max: 40 }), bytes: fc.constantFrom(1, 100, 4095, 4096, 30_000) }),
      fc.constant("read" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const writer = new PollingWriter(openLibc(), fd, lostLine);
        let count = 0;
        pipe.text = "";
        for (const each of steps) {
          if (each === "read") {
            pipe.read();
            writer.flush(0);
          } else for (let i = 0; i < each.count; i++) writer.write(`${count++} ${"z".repeat(each.bytes)}`);
        }
        do {
          pipe.read();
          writer.flush(0);
        } while (pipe.text !== pipe.read());
        let next = 0;
        let lost = 0;
        for (const line of pipe.lines()) {
          const [first, second] = line.split(" ");
          if (first === "lost") {
            lost += Number(second);
            next += Number(second);
          } else expect(Number(first)).toBe(next++);
        }
        expect(next).toBe(count);
        expect(lost).toBe(writer.linesLost);
      }),
    );
  });
});

describeOnLinux("what waits", () => {
  /** A writer that nobody reads, and what it has written when it is read to the end. */
  function unread(): { writer: PollingWriter; readAll: () => string[] } {
    const pipe = new Fifo();
    pipe.fill();
    const writer = new PollingWriter(openLibc(), pipe.writer(), lostLine);
    const readAll = () => {
      do {
        pipe.read();
        writer.flush(0);
      } while (pipe.text !== pipe.read());
      return pipe.lines();
    };
    return { writer, readAll };
  }

  test.each([
    ["as long as there is room, to the byte", "x".repeat(WAITING_BYTES_MAX - 1), true],
    ["a byte longer", "x".repeat(WAITING_BYTES_MAX), false],
    ["that is fewer characters than bytes, and fits to the byte", `${"é".repeat(WAITING_BYTES_MAX / 2 - 1)}x`, true],
    ["that is fewer characters than bytes, and does not fit", "é".repeat(WAITING_BYTES_MAX / 2), false],
  ])("is a line %s", (_, line, fits) => {
    const { writer, readAll } = unread();
    writer.write(line);
    expect(writer.linesLost).toBe(fits ? 0 : 1);
    writer.write("behind");
    const lines = readAll();
    expect(lines.at(-1)).toBe(fits ? "lost 1" : "lost 2");
    if (fits) expect(lines[0] === line).toBe(true);
  });

  test("is whole lines, whatever is in them", () => {
    const { writer, readAll } = unread();
    const line = "€".repeat(1000);
    const taken = writeUntilLost(writer, line);
    expect(taken).toBe(Math.floor(WAITING_BYTES_MAX / 3001));
    const lines = readAll();
    expect(lines.pop()).toBe("lost 1");
    expect([lines.length, lines.every((each) => each === line)]).toEqual([taken, true]);
  });
});

describeOnLinux("a flush", () => {
  test("gives up after the time that it was given", () => {
    const pipe = new Fifo();
    pipe.fill();
    const writer = new PollingWriter(openLibc(), pipe.writer(), lostLine);
    writer.write("unread");
    const beganMs = performance.now();
    writer.flush(30);
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(29);
    expect(pipe.read()).toBe("");
    writer.flush(0);
    expect(pipe.read()).toBe("unread\n");
  });
});

describeOnLinux("lines to a socket", () => {
  test("of one turn of the event loop are one write, and no write has a part of a line", async () => {
    const [fd, reader] = socketPair(SOCK_SEQPACKET);
    const writer = openLineWriter(fd, lostLine);
    const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i} ${"s".repeat(100)}`);
    for (const line of lines(10)) writer.write(line);
    await until("the lines", () => isReadable(reader));
    expect(piecesIn(reader)).toEqual([`${lines(10).join("\n")}\n`]);
    for (const line of lines(100)) writer.write(line);
    writer.flush(0);
    const pieces = piecesIn(reader);
    expect(pieces.join("")).toBe(`${lines(100).join("\n")}\n`);
    expect(pieces.length).toBeLessThanOrEqual(5);
    for (const piece of pieces) expect(piece).toEndWith("\n");
  });

  test("that are longer than a pipe takes as a whole are written in pieces that it does", () => {
    const [fd, reader] = socketPair(SOCK_SEQPACKET);
    const writer = openLineWriter(fd, lostLine);
    const lines = [4095, 4096, 4097, 0, 4096].map((length) => "s".repeat(length));
    for (const line of lines) writer.write(line);
    writer.flush(0);
    const pieces = piecesIn(reader);
    expect(pieces.join("")).toBe(`${lines.join("\n")}\n`);
    for (const { length } of pieces) expect(length).toBeLessThanOrEqual(4096);
  });

  test("that nobody reads do not wait for the reader", async () => {
    const [fd, reader] = socketPair(SOCK_STREAM);
    const writer = openLineWriter(fd, lostLine);
    const taken = writeUntilLost(writer, "t".repeat(999));
    let text = "";
    await until("what was lost is told", () => {
      text += piecesIn(reader).join("");
      return text.endsWith("\nlost 1\n");
    });
    expect(text.split("\n")).toHaveLength(taken + 2);
  });
});

describeOnLinux("lines to a terminal", () => {
  test("that nobody reads do not wait for the reader", async () => {
    const { openpty } = dlopen("libc.so.6", {
      openpty: { args: ["ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
    }).symbols;
    const [main, terminal] = connectedPair((fds) => openpty(ptr(fds), ptr(fds, 4), null, null, null));
    const writer = openLineWriter(terminal, lostLine);
    const taken = writeUntilLost(writer, "u".repeat(999));
    let text = "";
    await until("what was lost is told", () => {
      text += piecesIn(main).join("");
      return text.endsWith("\r\nlost 1\r\n");
    });
    expect(text.split("\r\n")).toEqual([...Array.from({ length: taken }, () => "u".repeat(999)), "lost 1", ""]);
  });
});

describeOnLinux("lines to what is no stream", () => {
  test("a file keeps what was in it", () => {
    const path = join(emptyFolder(), "log");
    writeFileSync(path, "before\n");
    const fd = openSync(path, "a");
    onTestFinished(() => closeSync(fd));
    const writer = openLineWriter(fd, lostLine);
    for (let i = 0; i < 5000; i++) writer.write(`line ${i} ${"v".repeat(1000)}`);
    writer.flush(0);
    expect(writer.linesLost).toBe(0);
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines).toHaveLength(5002);
    expect([lines[0], lines[5000].slice(0, 9)]).toEqual(["before", "line 4999"]);
  });

  test("a full disk is as a reader that does not read", () => {
    const fd = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(fd));
    const writer = openLineWriter(fd, lostLine);
    expect(writeUntilLost(writer, "w".repeat(999))).toBe(Math.floor(WAITING_BYTES_MAX / 1000));
    writer.flush(10_000);
  });

  test("a descriptor that is closed is as a reader that does not read", () => {
    // None that another test may open meanwhile.
    const fd = 1_000_000;
    const writer = new PollingWriter(openLibc(), fd, lostLine);
    expect(writeUntilLost(writer, "w".repeat(999))).toBe(Math.floor(WAITING_BYTES_MAX / 1000));
    writer.flush(10_000);
  });
});
