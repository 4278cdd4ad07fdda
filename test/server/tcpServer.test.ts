/** A TCP server and its clients, on a fake network and a manual clock. */
import { describe, expect, test } from "bun:test";
import { AnswerScheduler } from "../../src/server/answerScheduler.ts";
import { ANSWERED_MS, type Connection, INPUT_BYTES_MAX, type Session, TcpServer } from "../../src/server/tcpServer.ts";
import { ManualClock } from "../support/clocks.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";

const IDLE_SECONDS = 100;
/** The timeout of a paused connection. */
const UNREAD_SECONDS = 4;
const HELD_BYTES_MAX = 16 * 1024 * 1024;
const DISCARDED_BYTES_MAX = 256 * 1024;
const ANSWER = "x".repeat(1000);

/** Answers each `a`, and `q` as the last; keeps everything else as input. */
class AnsweringSession implements Session {
  readonly connection: Connection<"idle">;
  made = 0;

  constructor(connection: Connection<"idle">) {
    this.connection = connection;
  }

  received(text: string): void {
    this.connection.touch();
    this.connection.input += text;
  }

  ended(): void {}

  serve(): boolean {
    const { connection } = this;
    if (connection.isFull || !/^[aq]/.test(connection.input)) return false;
    if (connection.input[0] === "q") {
      connection.write(ANSWER);
      connection.end();
      return false;
    }
    connection.input = connection.input.slice(1);
    connection.write(ANSWER);
    this.made++;
    return true;
  }

  timedOut(): void {
    this.connection.cut("idle");
  }

  closed(): void {}
}

function serving(connectionsMax = 1000) {
  const [clock, network] = [new ManualClock(), new FakeNetwork()];
  const cuts: string[] = [];
  const sessions: AnsweringSession[] = [];
  const errors: Error[] = [];
  new TcpServer<"idle">({
    ...{ host: "127.0.0.1", port: 1, connectionsMax, idleSeconds: IDLE_SECONDS, network, clock },
    scheduler: new AnswerScheduler(clock, (error) => void errors.push(error)),
    onCut: (reason) => void cuts.push(reason),
    session: (connection) => {
      const session = new AnsweringSession(connection);
      sessions.push(session);
      return session;
    },
  });
  return { clock, server: network.servers[0], cuts, sessions };
}

describe("the idle timeout", () => {
  test("starts when the connection opens, and again whenever the client sends or reads", () => {
    const { clock, server, cuts } = serving();
    const client = server.connect();
    expect(client.timeouts).toEqual([IDLE_SECONDS]);
    client.send("a");
    expect(client.timeouts).toEqual([IDLE_SECONDS, IDLE_SECONDS]);
    client.reads = 0;
    client.send("a");
    clock.advance(1);
    client.read(100);
    expect(client.timeouts).toEqual(new Array(4).fill(IDLE_SECONDS));
    client.timeOut();
    expect(client.isTerminated).toBe(true);
    expect(cuts).toEqual(["idle"]);
  });

  test("counts reading as activity: a client that just read is not cut to make room", () => {
    const { clock, server } = serving(2);
    const clients = [server.connect(), server.connect()];
    for (const client of clients) {
      client.reads = 0;
      client.send("a");
    }
    clock.advance(ANSWERED_MS + 1);
    clients[0].read(100);
    server.connect();
    expect(clients.map(({ isTerminated }) => isTerminated)).toEqual([false, true]);
  });
});

describe("the limit on connections", () => {
  test("may be reached; one connection more cuts the least recently active one", () => {
    const { clock, server, cuts } = serving(2);
    const clients = [server.connect(), server.connect()];
    expect(cuts).toEqual([]);
    clock.advance(ANSWERED_MS + 1);
    clients.push(server.connect());
    expect(clients.map(({ isTerminated }) => isTerminated)).toEqual([true, false, false]);
    expect(cuts).toEqual(["too_many"]);
    clients[1].close();
    server.connect();
    expect(cuts).toEqual(["too_many"]);
  });

  test("leaves those alone that have not had time to ask, if there is another", () => {
    const { clock, server } = serving(2);
    const busy = server.connect();
    clock.advance(1000);
    const fresh = server.connect();
    busy.send("a");
    clock.advance(499);
    server.connect();
    expect([busy.isTerminated, fresh.isTerminated]).toEqual([true, false]);
  });
});

describe("when a client sends but does not read", () => {
  test("its input is paused at the limit, and resumed when half of it has been answered", () => {
    const { clock, server, sessions } = serving();
    const client = server.connect();
    client.reads = 0;
    client.send("a".repeat(INPUT_BYTES_MAX));
    expect(client.isPaused).toBe(false);
    client.send("a");
    expect(client.isPaused).toBe(true);
    expect(client.timeouts.at(-1)).toBe(UNREAD_SECONDS);
    const asked = () => sessions[0].connection.input.length;
    let isPaused = true;
    while (isPaused) {
      client.read(100_000);
      clock.advance(1);
      isPaused = client.isPaused;
      expect(isPaused).toBe(asked() > INPUT_BYTES_MAX / 2);
    }
    expect(asked()).toBeGreaterThan(0);
    expect(client.timeouts.at(-1)).toBe(IDLE_SECONDS);
  });

  test("no more answers are made than may stay unread", () => {
    const { clock, server, sessions } = serving();
    const client = server.connect();
    client.reads = 0;
    client.send("a".repeat(1000));
    clock.advance(1000);
    expect(sessions[0].made).toBe(Math.ceil((64 * 1024) / ANSWER.length));
    client.read(10 * ANSWER.length);
    clock.advance(1000);
    expect(sessions[0].made).toBe(Math.ceil((64 * 1024) / ANSWER.length) + 10);
  });

  test("it is cut after the short timeout if it has something to read, and not otherwise", () => {
    const { clock, server, cuts } = serving();
    const [idle, unread] = [server.connect(), server.connect()];
    idle.send("-".repeat(INPUT_BYTES_MAX + 1));
    unread.reads = 0;
    unread.send(`a${"-".repeat(INPUT_BYTES_MAX + 1)}`);
    clock.advance(10);
    idle.timeOut();
    expect([cuts, idle.timeouts.at(-1)]).toEqual([[], UNREAD_SECONDS]);
    unread.timeOut();
    expect(cuts).toEqual(["unread"]);
    expect([idle.isTerminated, unread.isTerminated]).toEqual([false, true]);
  });
});

describe("the memory of all connections", () => {
  const count = Math.floor(HELD_BYTES_MAX / INPUT_BYTES_MAX) - 1;

  test("is bounded: beyond the limit the connection that holds most is cut", () => {
    const { server, cuts } = serving();
    const clients = Array.from({ length: count }, () => server.connect());
    for (const client of clients) client.send("-".repeat(INPUT_BYTES_MAX));
    clients[count - 2].send("-");
    expect(cuts).toEqual([]);
    server.connect().send("-".repeat(INPUT_BYTES_MAX));
    expect(cuts).toEqual(["unread"]);
    expect(clients.filter(({ isTerminated }) => isTerminated)).toEqual([clients[count - 2]]);
  });

  test("is released when they close", () => {
    const { server, cuts } = serving();
    for (let round = 0; round < 3; round++) {
      const clients = Array.from({ length: count }, () => server.connect());
      for (const client of clients) client.send("-".repeat(INPUT_BYTES_MAX));
      for (const client of clients) client.close();
    }
    expect(cuts).toEqual([]);
  });
});

describe("after the last answer", () => {
  function ended() {
    const { clock, server, cuts } = serving();
    const client = server.connect();
    client.send("q");
    clock.advance(1);
    expect([client.text, client.isEnded, client.isTerminated]).toEqual([ANSWER, true, false]);
    return { client, cuts };
  }

  test("input is discarded, up to a limit", () => {
    const { client, cuts } = ended();
    client.send("-".repeat(DISCARDED_BYTES_MAX));
    expect(client.isTerminated).toBe(false);
    client.send("-");
    expect(client.isTerminated).toBe(true);
    expect(cuts).toEqual([]);
  });

  test("a client that does not close has the idle timeout", () => {
    const { client, cuts } = ended();
    expect(client.timeouts.at(-1)).toBe(IDLE_SECONDS);
    client.timeOut();
    expect(client.isTerminated).toBe(true);
    expect(cuts).toEqual([]);
  });
});
