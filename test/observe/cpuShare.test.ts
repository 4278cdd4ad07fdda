import { expect, test } from "bun:test";
import { CpuShare } from "../../src/observe/cpuShare.ts";

test("the share of a core is known after ten seconds, and only of the last ten", () => {
  const cpu = new CpuShare();
  for (let second = 0; second < 10; second++) expect(cpu.sample(second, second)).toBeUndefined();
  expect(cpu.sample(10, 10)).toBe(1);
  for (let second = 11; second < 20; second++) cpu.sample(second, 10);
  expect(cpu.sample(20, 10)).toBe(0);
});
