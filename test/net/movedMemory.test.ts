import { expect, test } from "bun:test";
import { fileURLToPath } from "bun";

const PROGRAM = fileURLToPath(new URL("../support/movedMemoryProcess.ts", import.meta.url));

/** Where there is not enough address space for all that it may become, JavaScriptCore moves it. This makes it do so. */
const MOVES = { BUN_JSC_useWasmFastMemory: "0" };

test.skipIf(process.platform !== "linux")(
  "the kernel reads and sends where the core's memory is, when it has grown and been moved (Linux only)",
  () => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, PROGRAM], { env: { ...process.env, ...MOVES } });
    expect(String(stderr)).toBe("");
    expect(JSON.parse(String(stdout))).toEqual({ first: ["first:1|c"], isMoved: true, second: ["second:1|c"] });
  },
);
