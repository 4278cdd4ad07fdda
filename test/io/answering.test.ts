import { expect, test } from "bun:test";
import { Answering } from "../../src/io/answering.ts";
import { until } from "../support/until.ts";

/** Somebody who asks, and what is done each time that it is their turn. */
function asker(serve: () => boolean) {
  return { account: { debtMs: 0, atMs: 0 }, serve };
}

test("whoever throws is served no more; the error is told, and others are answered, at once and later", async () => {
  const errors: unknown[] = [];
  const answering = new Answering((error) => void errors.push(error));
  let thrown = 0;
  let served = 0;
  const broken = asker(() => {
    thrown++;
    throw new Error("a programmer's");
  });
  const other = asker(() => {
    served++;
    return served < 3;
  });
  answering.ask(broken);
  answering.ask(other);
  await until("the other", () => served === 3);
  answering.ask(other);
  await until("the other again", () => served === 4);
  expect(thrown).toBe(1);
  expect(errors).toEqual([new Error("a programmer's")]);
});
