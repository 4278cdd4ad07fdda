import { describe, expect, setDefaultTimeout, test } from "bun:test";

setDefaultTimeout(30_000);

const CLOCK = JSON.stringify(`${import.meta.dir}/../../src/system/clock.io.ts`);

/** What a program prints that has the clock, in a process of its own: here, others' timers would be shared, too. */
function printed(program: string): string[] {
  const source = `
    import { systemClock as clock } from ${CLOCK};
    const beganMs = performance.now();
    let round = 0;
    // In the same round of the event loop all print the same.
    const print = (what) => {
      console.log(what + " " + round);
      setImmediate(() => round++);
    };
    ${program}
  `;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", source], { stderr: "inherit" });
  return String(stdout).trim().split("\n");
}

describe("timers of half a second and longer", () => {
  test("fire with one that is due up to a tenth earlier", () => {
    const program = `
      for (const ms of [600, 610, 640]) clock.setSharedTimeout(() => print(ms), ms);
      clock.setSharedTimeout(() => print("later"), 800);
    `;
    expect(printed(program)).toEqual(["600 0", "610 0", "640 0", "later 3"]);
  });

  test("fire no earlier than that, and never late for another's sake", () => {
    const program = `
      const fired = (ms) => () => print(performance.now() - beganMs >= 0.9 * ms - 2);
      clock.setSharedTimeout(fired(700), 700);
      clock.setSharedTimeout(fired(500), 500);
      clock.setSharedTimeout(fired(790), 790);
    `;
    expect(printed(program)).toEqual(["true 0", "true 1", "true 2"]);
  });

  test("that are repeated fire again and again, together", () => {
    const program = `
      let times = 0;
      const first = clock.setInterval(() => print("first"), 500);
      const second = clock.setInterval(() => {
        print("second");
        if (++times === 3) for (const timer of [first, second]) clock.cancel(timer);
      }, 510);
    `;
    expect(printed(program)).toEqual(["first 0", "second 0", "first 2", "second 2", "first 4", "second 4"]);
  });

  test("do not fire after they were cancelled, not even by one that fires with them", () => {
    const program = `
      clock.setSharedTimeout(() => {
        print("first");
        for (const timer of [second, repeated]) clock.cancel(timer);
      }, 600);
      const second = clock.setSharedTimeout(() => print("second"), 600);
      const repeated = clock.setInterval(() => print("repeated"), 600);
      clock.cancel(clock.setSharedTimeout(() => print("cancelled"), 600));
    `;
    expect(printed(program)).toEqual(["first 0"]);
  });

  test("fire, too, when one of them throws; and that is thrown", () => {
    const program = `
      process.on("uncaughtException", ({ message }) => print(message));
      clock.setSharedTimeout(() => { throw new Error("thrown") }, 500);
      clock.setSharedTimeout(() => print("fired"), 500);
    `;
    expect(printed(program)).toEqual(["fired 0", expect.stringContaining("thrown")]);
  });
});
