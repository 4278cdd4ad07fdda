import { expect, spyOn, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { processReader } from "../../src/system/processFigures.io.ts";

test.skipIf(process.platform !== "linux")("open descriptors are counted when they are asked for (Linux only)", () => {
  const figures = processReader(0)();
  const before = figures.descriptorsOpen as number;
  const opened = [1, 2, 3].map(() => openSync("/dev/null", "r"));
  try {
    expect(figures.descriptorsOpen).toBe(before + 3);
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
  expect(figures.descriptorsOpen).toBe(before);
});

test("without a descriptor the memory is told as it was last, also to whoever is the first to ask", () => {
  const figures = processReader(0)();
  const usage = spyOn(process, "memoryUsage").mockImplementation((() => {
    throw new Error("EMFILE");
  }) as never);
  try {
    expect(figures.residentBytes).toBeGreaterThan(1e6);
    expect(figures.heapUsedBytes).toBeGreaterThan(1e5);
  } finally {
    usage.mockRestore();
  }
});
