import { expect, test } from "bun:test";
import { Opening } from "../../src/engine/opening.ts";

/** An opening, and everything it does, in order. */
function noted() {
  const done: string[] = [];
  const opening = new Opening({
    resolve: async (host) => {
      if (host === "nowhere") throw Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" });
      return host;
    },
  });
  const closable = (name: string) => {
    done.push(`open ${name}`);
    return { close: () => void done.push(`close ${name}`) };
  };
  return { opening, done, closable };
}

test("abandon closes what was opened, last first, and runs no step", async () => {
  const { opening, done, closable } = noted();
  await opening.open("a", () => closable("a"));
  opening.onCommit(() => void done.push("step"));
  await opening.open("b", () => {
    throw new Error("it cannot be");
  });
  await opening.listen({ host: "c.host", port: "c.port", address: "here:1" }, "here", () => closable("c"));
  expect(opening.problems).toEqual([{ at: "b", message: "it cannot be" }]);
  opening.abandon();
  expect(done).toEqual(["open a", "open c", "close c", "close a"]);
  opening.abandon();
  expect(done).toHaveLength(4);
});

test("commit runs the steps in order, and what was opened stays open", async () => {
  const { opening, done, closable } = noted();
  await opening.open("a", () => closable("a"));
  for (const step of ["one", "two", "three"]) opening.onCommit(() => void done.push(step));
  opening.commit();
  opening.abandon();
  expect(done).toEqual(["open a", "one", "two", "three"]);
});

test("nothing is opened for a name that does not resolve", async () => {
  const { opening, done, closable } = noted();
  expect(
    await opening.listen({ host: "host", port: "port", address: "nowhere:1" }, "nowhere", () => closable("a")),
  ).toBeUndefined();
  expect(done).toEqual([]);
  expect(opening.problems).toEqual([{ at: "host", message: "the name does not resolve (ENOTFOUND)" }]);
});
