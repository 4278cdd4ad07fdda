import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { coreMemory } from "../../src/core/core.ts";
import { Inbox } from "../../src/core/inbox.ts";
import { CoreMemory } from "../../src/core/memory.ts";
import { until } from "../support/until.ts";

/** Every so often a block is larger than all the memory at the start. */
const sizes = fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 20_000 }) }, fc.constant(9_000_000)), {
  maxLength: 40,
});

describe("blocks of the core's memory", () => {
  test("keep what is written to them, each apart from the others, when the memory grows", () => {
    fc.assert(
      fc.property(sizes, (sizes) => {
        const memory = new CoreMemory();
        const owner = {};
        const blocks = sizes.map((size, i) => {
          const at = memory.block(owner, size);
          memory.bytes.fill(i + 1, at, at + size);
          return { at, size };
        });
        for (const [i, { at, size }] of blocks.entries()) {
          const block = memory.bytes.subarray(at, at + size);
          expect(block.length).toBe(size);
          expect(block.every((byte) => byte === i + 1)).toBe(true);
          expect(at % 8).toBe(0);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("make it grow seldom, however many there are: whoever keeps its addresses has to ask for them again", () => {
    const memory = new CoreMemory();
    const grown = new Set([memory.bytes]);
    const owner = {};
    for (let i = 0; i < 256; i++) {
      memory.block(owner, 1 << 20);
      grown.add(memory.bytes);
    }
    expect(grown.size).toBeLessThan(8);
  });

  test("are used again once their owners are no more, so that memory does not grow with what comes and goes", async () => {
    const memory = new CoreMemory();
    const [first] = [memory.block({}, 200_000)];
    await until("the block is free again", () => {
      Bun.gc(true);
      return memory.block({}, 200_000) === first;
    });
  });

  test("are used again once their owner releases them, and not a second time when it is no more", async () => {
    const memory = new CoreMemory();
    let owner: object | undefined = {};
    const at = memory.block(owner, 200_000);
    memory.release(owner);
    memory.release(owner);
    const next = {};
    expect(memory.block(next, 200_000)).toBe(at);
    owner = undefined;
    for (let i = 0; i < 50; i++) {
      Bun.gc(true);
      await Bun.sleep(0);
      expect(memory.block(next, 200_000)).not.toBe(at);
    }
  });

  test("are refused when there is no memory left, and what there was goes on", () => {
    const memory = new CoreMemory();
    const owner = {};
    const at = memory.block(owner, 100);
    memory.bytes.fill("x", at, at + 100);
    expect(() => memory.block(owner, 2 ** 32)).toThrow("there is no more memory for nodes and rings: 4 GiB are in use");
    expect(memory.bytes.toString("latin1", at, at + 100)).toBe("x".repeat(100));
  });

  test("are not used again while their owner is there", () => {
    const memory = new CoreMemory();
    const owner = {};
    const at = memory.block(owner, 200_000);
    for (let i = 0; i < 50; i++) {
      Bun.gc(true);
      expect(memory.block({}, 200_000)).not.toBe(at);
    }
    expect(owner).toEqual({});
  });
});

describe("an inbox", () => {
  test("brings bytes of any length, and those that are there already stay where they are", () => {
    const inbox = new Inbox();
    for (const length of [0, 1, 1024, 1025, 70_000, 3]) {
      const bytes = Buffer.alloc(length + 2, "x");
      const at = inbox.bring(bytes, 1, 1 + length);
      expect(coreMemory.bytes.toString("latin1", at, at + length)).toBe("x".repeat(length));
    }
    expect(inbox.bring(coreMemory.bytes, 4711, 4720)).toBe(4711);
  });
});
