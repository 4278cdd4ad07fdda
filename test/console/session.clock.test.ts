/** Console conversations on a fake network and a manual clock. */
import { describe, expect, test } from "bun:test";
import { LINE_BYTES_MAX } from "../../src/console/session.ts";
import { ManualClock } from "../support/clocks.ts";
import { openConsole } from "../support/console.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";

/** A line without a line end counts as complete after this. */
const PAUSE_MS = 50;

function connected() {
  const [network, clock] = [new FakeNetwork(), new ManualClock()];
  const taps = { begun: 0, stopped: 0, end: (_last: string) => {} };
  const { cuts } = openConsole({
    network,
    clock,
    tap: () => ({
      isTap: true,
      begin: (_, end) => {
        taps.begun++;
        taps.end = end;
      },
      stop: () => {
        taps.stopped++;
        return "stopped\n";
      },
    }),
  });
  const client = network.servers[0].connect();
  const say = (text: string) => {
    client.send(text);
    clock.advance(1);
  };
  return { clock, client, say, cuts, taps };
}

test("the idle timeout is two minutes", () => {
  const { client, say, cuts } = connected();
  expect(client.timeouts).toEqual([120]);
  say("ping\n");
  expect([client.text, client.timeouts]).toEqual(["pong\n", [120, 120]]);
  client.timeOut();
  expect([client.isTerminated, cuts]).toEqual([true, ["idle"]]);
});

test("a line may be as long as the limit, and not a byte longer", () => {
  const { client, say, cuts } = connected();
  say(`${" ".repeat(LINE_BYTES_MAX - 4)}ping\n`);
  expect([client.text, cuts]).toEqual(["pong\n", []]);
  say(`${" ".repeat(LINE_BYTES_MAX - 3)}ping\n`);
  expect([client.text, cuts]).toEqual(["pong\n", ["line_too_long"]]);
});

describe("a line without a line end", () => {
  test("is answered after a pause of 50 ms, and not before", () => {
    const { clock, client, say } = connected();
    client.send("ping");
    clock.advance(PAUSE_MS - 1);
    expect(client.text).toBe("");
    clock.advance(1);
    expect(client.text).toBe("pong\n");
    clock.advance(1000);
    say("ping\n");
    expect(client.text).toBe("pong\npong\n");
  });

  test("restarts the pause with each byte that arrives", () => {
    const { clock, client } = connected();
    client.send("what");
    clock.advance(PAUSE_MS - 1);
    client.send(" is this");
    clock.advance(PAUSE_MS - 1);
    expect(client.text).toBe("");
    clock.advance(1);
    expect(client.text).toBe("unknown command\n");
  });

  test("that arrives within the pause is not answered twice", () => {
    const { clock, say, taps } = connected();
    say("tap");
    say("\n");
    clock.advance(10 * PAUSE_MS);
    expect(taps).toMatchObject({ begun: 1, stopped: 0 });
  });

  test.each([[["tap", "\n"]], [["tap", "\r\n"]], [["tap", "\r", "\n"]], [["tap\r", "\n"]]])(
    "%j: a late line end is not an empty line, but the next one is",
    (pieces) => {
      const { clock, say, taps } = connected();
      for (const piece of pieces) {
        say(piece);
        clock.advance(10 * PAUSE_MS);
      }
      expect(taps).toMatchObject({ begun: 1, stopped: 0 });
      say("\n");
      expect(taps.stopped).toBe(1);
    },
  );

  test("that never gets its line end does not swallow a later empty line", () => {
    const { clock, client, say, taps } = connected();
    say("ping");
    clock.advance(PAUSE_MS);
    say("tap\n");
    expect([client.text.startsWith("pong\n# up to"), taps.begun]).toEqual([true, 1]);
    say("\n");
    expect(taps.stopped).toBe(1);
  });

  test.each(["ping", "ping\n", "ping\nping"])("%j is answered when the client closes its sending half", (text) => {
    const { clock, client } = connected();
    client.send(text);
    client.halfClose();
    clock.advance(1);
    expect(client.text).toBe("pong\n".repeat(text.trim().split("\n").length));
    expect(client.isEnded).toBe(true);
  });
});

describe("a tap", () => {
  test("makes commands wait until it ends", () => {
    const { clock, client, say, taps } = connected();
    say("tap\nping\n");
    expect(client.text).not.toContain("pong");
    taps.end("end\n");
    clock.advance(1);
    expect(client.text).toEndWith("end\npong\n");
  });

  test("tries a client that sends no more every five seconds, so that one that is gone is noticed; not after its end", () => {
    const { clock, client, say, taps } = connected();
    say("tap\n");
    const first = client.text;
    client.halfClose();
    const told = `${first}# no more input: the tap runs to its end\n`;
    clock.advance(4999);
    expect(client.text).toBe(told);
    clock.advance(1);
    expect(client.text).toBe(`${told}#\n`);
    clock.advance(10_000);
    expect(client.text).toBe(`${told}#\n#\n#\n`);
    taps.end("end\n");
    clock.advance(60_000);
    expect(client.text).toBe(`${told}#\n#\n#\nend\n`);
  });

  test("ends when the client disconnects", () => {
    const { client, say, taps } = connected();
    say("tap\n");
    client.close();
    expect(taps.stopped).toBe(1);
  });
});
