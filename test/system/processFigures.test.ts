import { expect, test } from "bun:test";
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
