import { describe, expect, onTestFinished, spyOn, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { comesOnce, NO_SECOND_TIME, readBounded } from "../../src/config/boundedFile.io.ts";
import { emptyFolder } from "../support/folder.ts";
import { run } from "../support/process.ts";

const MIB = 2 ** 20;

/** Reads with short bounds; `waits`: how often it was told that nothing comes. */
function read(file: string, silenceMs = 100): { text?: string; problem?: string; waits: number } {
  let waits = 0;
  const waiting = { silenceMs, reportAfterMs: 20, onWait: () => void waits++ };
  try {
    return { text: readBounded(file, { bytesMax: MIB, waiting }), waits };
  } catch (error) {
    return { problem: (error as Error).message, waits };
  }
}

function fileOf(text: string): string {
  const file = join(emptyFolder(), "file");
  writeFileSync(file, text);
  return file;
}

async function namedPipe(): Promise<string> {
  const folder = emptyFolder();
  expect((await run(["mkfifo", "pipe"], folder)).exitCode).toBe(0);
  return join(folder, "pipe");
}

test.each(["", "{}", "\u00e9".repeat(100_000), "x".repeat(MIB)])("a file is read as it is", (text) => {
  expect(read(fileOf(text))).toEqual({ text, waits: 0 });
});

test.each([
  ["a file that is too large", () => fileOf("x".repeat(MIB + 1)), "larger than 1 MiB, too large for a configuration"],
  ["a device without an end", () => "/dev/zero", "larger than 1 MiB, too large for a configuration"],
  ["a folder", () => emptyFolder(), "this is a directory, not a file"],
])("%s is refused", (_, file, problem) => expect(read(file())).toEqual({ problem, waits: 0 }));

test.skipIf(process.platform !== "linux")("nothing is left open, whatever comes of it (Linux only)", () => {
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const files = [fileOf("{}"), fileOf("x".repeat(MIB + 1)), emptyFolder(), "/dev/zero"];
  const before = openFiles();
  for (const file of files) read(file);
  expect(openFiles()).toBe(before);
});

describe("a second time", () => {
  const again = (file: string) => readBounded(file, { bytesMax: MIB, waiting: undefined });

  test("a file is read like the first time", () => expect(again(fileOf("{}"))).toBe("{}"));

  test("nothing is read that comes once", async () => {
    for (const file of [await namedPipe(), "/dev/zero"]) {
      expect(comesOnce(file)).toBe(true);
      expect(() => again(file)).toThrow(NO_SECOND_TIME);
    }
  });

  test("nothing else is taken for such a thing", () => {
    const folder = emptyFolder();
    for (const file of [fileOf(""), folder, join(folder, "missing")]) expect(comesOnce(file)).toBe(false);
  });
});

describe("a named pipe", () => {
  test("may be slower in all than the time in which something must come", async () => {
    const pipe = await namedPipe();
    const writer = Bun.spawn(["sh", "-c", "for i in 1 2 3 4 5 6; do sleep 0.2; echo $i; done >pipe"], {
      cwd: join(pipe, ".."),
    });
    expect(read(pipe, 1000).text).toBe("1\n2\n3\n4\n5\n6\n");
    await writer.exited;
  });

  test("that nobody opens is told, and given up in time", async () => {
    const problem = "nothing was written to this pipe within 0.1 seconds";
    const pipe = await namedPipe();
    const sleep = spyOn(Bun, "sleepSync");
    onTestFinished(() => sleep.mockRestore());
    expect(read(pipe)).toEqual({ problem, waits: 1 });
    expect(sleep.mock.calls.reduce((sum, [ms]) => sum + ms, 0)).toBe(100);
  });

  test("that is open, but says nothing, is told, and given up", async () => {
    const pipe = await namedPipe();
    // Open for both, it blocks nobody.
    const holder = Bun.spawn(["sh", "-c", "exec 3<>pipe; echo; read line"], {
      cwd: join(pipe, ".."),
      stdin: "pipe",
      stdout: "pipe",
    });
    for await (const _ of holder.stdout) break;
    const { problem, waits } = read(pipe);
    holder.kill();
    await holder.exited;
    expect({ problem, waits }).toEqual({ problem: "nothing was written to this pipe within 0.1 seconds", waits: 1 });
  });
});
