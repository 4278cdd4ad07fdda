import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseAnswer } from "../../src/health/healthAnswer.ts";

type Row = [text: string, verdict: "up" | "down" | "too long" | undefined, connection: "whole" | "open" | "too much"];

describe("received text", () => {
  test.each<Row>([
    ["", undefined, "open"],
    ["health: up\n", "up", "whole"],
    ["health: up\r\n", "up", "whole"],
    ["health: up and running\n", "up", "whole"],
    ["Welcome\nhealth: up\n", "up", "whole"],
    ["up\n", "up", "whole"],
    // More of its line may come.
    ["up", undefined, "open"],
    ["health: up", undefined, "open"],
    ["health: up-not\n", undefined, "open"],
    ["health: up\r", "up", "open"],
    ["health: UP\n", undefined, "open"],
    ["health:up\n", "up", "whole"],
    ["health: upgrading\n", undefined, "open"],
    ["health: up-to-date\n", undefined, "open"],
    ["unsupported\n", undefined, "open"],
    ["not up\n", undefined, "open"],
    ["<html>backup</html>\n", undefined, "open"],
    ["uptime: 5\n", undefined, "open"],
    ["ERROR: unknown command, set up?\n", undefined, "open"],
    ["unknown command\n", undefined, "open"],
    ["down\n", "down", "whole"],
    ["health: up\n\n", "up", "too much"],
    ["health: up\nEND\n", "up", "too much"],
    ["health: up\nhealth: up\n", "up", "too much"],
    ["startup of statsd\nhealth: down\n", "down", "whole"],
    ["health: down\n", "down", "whole"],
    ["health: down\r\n", "down", "whole"],
    ["Welcome\nhealth: down\n", "down", "whole"],
    ["health: down\n> ", "down", "too much"],
    ["health: down\nuptime: 5\n", "down", "too much"],
    ["health: down", undefined, "open"],
    ["health: downgraded\n", undefined, "open"],
    ["no health: down\n", undefined, "open"],
    ["Welcome\n", undefined, "open"],
    ["ERROR\n", undefined, "open"],
    ["\0\xff", undefined, "open"],
    ["x".repeat(4096), undefined, "open"],
    ["x".repeat(4097), "too long", "too much"],
    ["x\n".repeat(3000), "too long", "too much"],
    [`${"x".repeat(10_000)}health: up\n`, "too long", "too much"],
    [`${"x".repeat(10_000)}\nhealth: up\n`, "up", "whole"],
    [`up ${"x".repeat(4093)}`, "up", "open"],
    [`up ${"x".repeat(4094)}`, "up", "too much"],
  ])("%j", (text, verdict, connection) => {
    const { isComplete, hasExtra, ...judged } = parseAnswer(text);
    expect(judged.verdict).toBe(verdict);
    expect({ isComplete, hasExtra }).toEqual({
      isComplete: connection === "whole",
      hasExtra: connection === "too much",
    });
  });
});

test("however an answer is split, its verdict is the same, and no prefix has another", () => {
  const texts = fc.constantFrom("health: up\n", "Welcome\r\nhealth: up\r\n", "health: down\n", "Hi\nhealth: down\r\n");
  fc.assert(
    fc.property(texts, fc.array(fc.nat(30)), (text, cuts) => {
      const whole = parseAnswer(text);
      expect(whole.isComplete).toBe(true);
      for (const cut of cuts.filter((at) => at < text.length)) {
        const { verdict, isComplete, hasExtra } = parseAnswer(text.slice(0, cut));
        expect([undefined, whole.verdict]).toContain(verdict);
        expect({ isComplete, hasExtra }).toEqual({ isComplete: false, hasExtra: false });
      }
    }),
  );
});
