/** What should not come but does, over UDP: the good lines around it go on as before, and the proxy answers. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { REJECT_REASONS, Verdict } from "../../src/protocol/line.ts";
import { hostileBytes } from "../support/arbitraries.ts";
import { Backend, linesArrived } from "../support/backend.ts";
import { endOfFile } from "../support/cleanUp.ts";
import { ask, send, stats } from "../support/client.ts";
import { naiveLines } from "../support/naiveLines.ts";
import { type RunningProxy, startProxy } from "../support/process.ts";

setDefaultTimeout(30_000);

const UDP_BYTES_MAX = 65_507;
const GOOD = ["good.one:1|c", "good.two:2|ms|@0.5|#caf\xc3\xa9", "good;tag=x:+3|g"];

/** `text`, again and again, as often as it fits into that many bytes. */
function filled(text: string, bytes = UDP_BYTES_MAX): string {
  return text.repeat(Math.floor(bytes / text.length));
}

/** By what they are; text is latin1, a character a byte. */
const INPUTS: Record<string, string[]> = {
  "no colon": ["nothing"],
  "no name": [":1|c"],
  "no value and no type": ["name:", "name:1", "name|c"],
  "no type": ["name:1|", "name:1||@0.1", "name:|"],
  "an unknown type": ["name:1|q", "name:1|counter", "name:1|C"],
  "%s%n": ["%s%n", "%s%n%p:1|c", "name:%s%n|c", "name:1|%n", "%".repeat(1000)],
  "NUL bytes": ["\0", "\0:\0|\0", "name\0:1|c", "name:1\0|c|#\0", filled("\0", 1000)],
  "binary bytes": [Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join(""), "\x1b[2J:1|c", "\x07:1|c"],
  "invalid UTF-8": ["\xff\xfe:1|c", "caf\xc3:1|c", "\xf0\x28\x8c\x28:\x80|ms", "\xed\xa0\x80:1|c\xff"],
  CRLF: ["a:1|c\r\nb:2|c\r\n", "\r\n", "\r", "a:1|c\r", "a\rb:1|c\r\r\n"],
  "only newlines": ["\n", "\n\n\n\n", filled("\n"), filled("\r\n")],
  "an empty datagram": [""],
  "only separators": [":", "|", ":|", ":::|||", filled(":", 1000), filled("|", 1000), filled(":|\n", 1000)],
  "half an event or service check": [
    "_",
    "_e",
    "_e{",
    "_e{5,4}:",
    "_e{5,4}:title",
    "_sc",
    "_sc|",
    "_sc|name",
    "_sc||0",
    "_sc:1|c",
  ],
  "other protocols": [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    '{"name":"x","value":1}',
    "<13>Oct 11 22:14:15 su: root",
  ],
  "65,507 bytes in one line that is a metric": [`long.value:${"1".repeat(UDP_BYTES_MAX - 13)}|c`],
  "65,507 bytes in one line whose name is as long": [`${"n".repeat(UDP_BYTES_MAX - 4)}:1|c`],
  "65,507 bytes in one line that is no metric": [filled("x")],
  "65,507 bytes in many lines": [filled("many.lines:12345|ms|#env:test\n")],
  "65,507 bytes in the shortest lines": [filled("a:|c\n")],
  "2,000 lines in one datagram": [Array.from({ length: 2000 }, (_, i) => `line.${i}:1|c`).join("\n")],
  "anything at all": fc.sample(hostileBytes, { seed: 3, numRuns: 300 }),
};

const atEnd = endOfFile();

describe("the proxy takes, relays around it, and answers", () => {
  let backend: Backend;
  let proxy: RunningProxy;

  beforeAll(async () => {
    backend = await Backend.open({ atEnd });
    proxy = await startProxy({ nodes: [backend.node] }, { atEnd });
  });

  test.each(Object.keys(INPUTS))("%s", async (what) => {
    const inputs = INPUTS[what];
    const before = await stats(proxy);
    backend.clear();
    const datagrams = inputs.flatMap((input) => [GOOD.join("\n"), input]);
    await send(proxy, [...datagrams, GOOD.join("\n")].map(latin1));

    const lines = [...datagrams, GOOD.join("\n")].flatMap((datagram) => naiveLines(datagram));
    const accepted = lines.filter(({ verdict }) => verdict === Verdict.accepted).map(({ text }) => text);
    expect(await linesArrived([backend], accepted.length)).toEqual(accepted);
    const after = await stats(proxy);
    const counted = (name: string) => after[name] - before[name];
    expect(counted("packets_received")).toBe(datagrams.length + 1);
    expect(counted("lines_received")).toBe(lines.length);
    expect(counted("lines_relayed")).toBe(accepted.length);
    REJECT_REASONS.forEach((reason, i) => {
      expect(counted(`lines_rejected.${reason}`)).toBe(lines.filter(({ verdict }) => verdict === i + 1).length);
    });
    expect(await ask(proxy, "ping")).toBe("pong\n");
  });

  test("bad lines between good ones in one datagram", async () => {
    backend.clear();
    await send(proxy, [latin1(["nothing", GOOD[0], ":1|c", "", GOOD[1], "x:1|q", "\r", GOOD[2], "end"].join("\n"))]);
    expect(await linesArrived([backend], GOOD.length)).toEqual(GOOD);
  });
});

/** Keeps one kind of input from making itself at home: names that never come again. */
test("a hundred thousand different names", async () => {
  const backend = await Backend.open();
  const proxy = await startProxy({ nodes: [backend.node], cacheSize: 1000 });
  const names = 100_000;
  const perDatagram = 500;
  let arrived = 0;
  for (let first = 0; first < names; first += 10 * perDatagram) {
    const datagrams = Array.from({ length: 10 }, (_, d) =>
      Array.from({ length: perDatagram }, (_, i) => `x${first + d * perDatagram + i}:1|c`).join("\n"),
    );
    await send(proxy, datagrams);
    arrived += (await linesArrived([backend], 10 * perDatagram)).length;
    backend.clear();
  }
  expect(arrived).toBe(names);
  expect(await stats(proxy)).toMatchObject({ lines_relayed: names, lines_dropped: 0 });
});

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
