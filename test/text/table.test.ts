import { describe, expect, test } from "bun:test";
import { tableParts, tableText } from "../../src/text/table.ts";

describe("a table", () => {
  test("has columns two spaces apart, as wide as their widest cell", () => {
    const rows = [
      ["a", "count", "end"],
      ["bcd", "7", ""],
      ["e", "1234567", "f"],
    ];
    expect(tableText(rows, [1])).toBe("a      count  end\nbcd        7\ne    1234567  f\n");
  });

  test("cuts a wide cell in its middle, so that it does not make all rows wide", () => {
    const wide = `${"x".repeat(500)}${"y".repeat(500)}`;
    const lines = tableText([
      ["name", "owner"],
      [wide, "a"],
      ["short", "b"],
    ]).split("\n");
    expect(lines[1]).toBe(`${"x".repeat(39)}...${"y".repeat(38)}  a`);
    expect(lines[2]).toBe(`${"short".padEnd(80)}  b`);
    expect(tableText([["x".repeat(80)]])).toBe(`${"x".repeat(80)}\n`);
  });

  test("is made as it is read", () => {
    let made = 0;
    function* rows() {
      for (let i = 0; i < 1000; i++) {
        made++;
        yield [`${i}`];
      }
    }
    const parts = tableParts(["head"], rows);
    expect([parts.next().value, made]).toEqual(["", 32]);
    let head = parts.next();
    while (head.value === "") head = parts.next();
    expect([head.value, made]).toEqual(["head\n", 1000]);
    expect(parts.next().value).toStartWith("0\n1\n2\n");
    expect(made).toBe(1032);
  });
});
