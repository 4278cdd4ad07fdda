/** HTTP, asked anything in any fragments: there is a whole answer to each request, and behind anything else an end. */
import { expect } from "bun:test";
import fc from "fast-check";
import { respond } from "../../src/http/answers.ts";
import { HEAD_BYTES_MAX, parseRequest } from "../../src/http/request.ts";
import { Http } from "../../src/http/session.ts";
import type { HttpCode, HttpCutReason } from "../../src/relay/counters.ts";
import { AnswerScheduler } from "../../src/server/answerScheduler.ts";
import { ManualClock } from "../support/clocks.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";
import { httpContext } from "./contexts.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { anyBytes, cuts, fragmentsOf, spoilt } from "./mutations.ts";
import { Stranger } from "./stranger.ts";

const LONG_MS = 60_000;
const HELD_BYTES_MAX = 256 * 1024;

const PIECES = [
  ...[
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    "/",
    "?",
    "=",
    "&",
    "#",
    "%",
    "%00",
    "%ff",
    "\0",
    "\xff",
    "caf\xc3\xa9",
    "[",
    "]",
  ],
  ...[
    "GET ",
    "HEAD ",
    "POST ",
    "get ",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/9.9",
    "Host: a\r\n",
  ],
  ...["Host: a:99999\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "Content-Length: 5\r\n", "http://a/"],
  ...["Content-Length: -1\r\n", "Transfer-Encoding: chunked\r\n", "X: y\r\n", " folded\r\n", "//", "/../", "__proto__"],
  ...["name=", "from=-1", "from=1e9", "x".repeat(HEAD_BYTES_MAX), "x".repeat(4097)],
];
const piece = fc.constantFrom(...PIECES);
const PATHS = ["/", "/metrics", "/healthz", "/stats.json", "/history.json", "/owner.json?name=a", "/x"];
const request = fc
  .record({
    method: fc.constantFrom("GET", "GET", "GET", "HEAD", "POST"),
    path: fc.constantFrom(...PATHS),
    minor: fc.constantFrom("1", "1", "1", "0"),
    headers: fc.array(fc.constantFrom("X: y", "Connection: keep-alive", "Accept: */*", "Connection: close"), {
      maxLength: 2,
    }),
  })
  .map(({ method, path, minor, headers }) =>
    [`${method} ${path} HTTP/1.${minor}`, "Host: proxy:9125", ...headers, "", ""].join("\r\n"),
  );
const requests = fc.array(request, { maxLength: 5 }).map((requests) => requests.join(""));
const input = fc.oneof({ weight: 4, arbitrary: spoilt(requests, piece) }, { weight: 1, arbitrary: anyBytes });

class Scene {
  readonly clock = new ManualClock();
  readonly errors: Error[] = [];
  readonly cuts: HttpCutReason[] = [];
  readonly codes: HttpCode[] = [];
  private readonly network = new FakeNetwork();

  constructor() {
    const { clock, network } = this;
    new Http({
      ...{ host: "127.0.0.1", port: 0, connectionsMax: 4, network, clock, context: httpContext },
      onAnswer: (code) => void this.codes.push(code),
      onCut: (reason) => void this.cuts.push(reason),
      scheduler: new AnswerScheduler(clock, (error) => void this.errors.push(error)),
    });
  }

  connect() {
    return new Stranger(this.network.servers[0]);
  }
}

interface Due {
  readonly status: HttpCode;
  readonly hasBody: boolean;
  /** The end of the connection is the end of the answer. */
  readonly isLast: boolean;
}

/** The answers that are due for an input, as long as it is understood. */
function answersDue(input: string): Due[] {
  const due: Due[] = [];
  let rest = input;
  for (;;) {
    const request = parseRequest(rest);
    if (request === undefined) return due;
    if (typeof request === "number") return [...due, { status: request, hasBody: true, isLast: true }];
    const { method, url, keepAlive, bytes, isOld } = request;
    const { status, body } = respond(method, url.pathname, url.searchParams, httpContext);
    const isLast = !keepAlive || (isOld && body.rest !== undefined);
    due.push({ status, hasBody: method !== "HEAD", isLast });
    if (isLast) return due;
    rest = rest.slice(bytes);
  }
}

/** Reads an answer, as strictly as its description. Returns what follows it. @throws if it is none */
function readAnswer(text: string, { status, hasBody, isLast }: Due): string {
  const [head] = /^HTTP\/1\.1 \d{3} [A-Za-z ]+\r\n(?:[a-z-]+: [^\r\n]+\r\n)+\r\n/.exec(text) ?? [];
  if (head === undefined) throw new Error(`no answer: ${JSON.stringify(text.slice(0, 200))}`);
  expect(Number(head.slice(9, 12))).toBe(status);
  const header = (name: string) => new RegExp(`\r\n${name}: (.*)\r\n`).exec(head)?.[1];
  if (isLast) expect(header("connection")).toBe("close");
  let rest = text.slice(head.length);
  if (!hasBody) return rest;
  const length = header("content-length");
  if (length !== undefined) {
    const bytes = Buffer.from(rest);
    expect(bytes.length).toBeGreaterThanOrEqual(Number(length));
    return bytes.subarray(Number(length)).toString();
  }
  if (header("transfer-encoding") !== "chunked") {
    expect(isLast).toBe(true);
    return "";
  }
  for (;;) {
    const [line, hex] = /^([0-9a-f]+)\r\n/.exec(rest) ?? [];
    if (line === undefined) throw new Error(`no chunk: ${JSON.stringify(rest.slice(0, 200))}`);
    const chunk = Buffer.from(rest.slice(line.length));
    const size = Number.parseInt(hex, 16);
    expect(chunk.subarray(size, size + 2).toString()).toBe("\r\n");
    rest = chunk.subarray(size + 2).toString();
    if (size === 0) return rest;
  }
}

function expectAnswers(text: string, due: readonly Due[]): void {
  let rest = text;
  for (const answer of due) rest = readAnswer(rest, answer);
  expect(rest).toBe("");
}

const answered: Fuzzer = {
  name: "HTTP: every request has a valid answer, in any fragments, and the connection ends",
  property: fc.property(input, cuts, (input, cuts) => {
    const scene = new Scene();
    const stranger = scene.connect();
    for (const fragment of fragmentsOf(input, cuts)) {
      stranger.send(fragment);
      scene.clock.advance(10);
    }
    stranger.halfClose();
    scene.clock.advance(LONG_MS);
    expect(scene.errors).toEqual([]);
    const due = answersDue(input);
    expect(scene.codes).toEqual(due.map(({ status }) => status));
    expectAnswers(stranger.answer, due);
    expect(scene.cuts).toEqual([]);
    expect([stranger.isEnded, stranger.isTerminated]).toEqual([true, false]);
  }),
};

const unread: Fuzzer = {
  name: "HTTP: no more is held than a client may make it hold, and it gets the rest when it reads",
  property: fc.property(
    requests,
    fc.nat({ max: 30 }),
    fc.array(fc.nat({ max: 100_000 }), { maxLength: 6 }),
    (requests, times, appetites) => {
      const scene = new Scene();
      const stranger = scene.connect();
      stranger.reads = 0;
      const input = requests.repeat(1 + times);
      stranger.send(input);
      scene.clock.advance(10);
      expect(stranger.held).toBeLessThan(HELD_BYTES_MAX);
      for (const appetite of appetites) {
        stranger.read(appetite);
        scene.clock.advance(10);
        expect(stranger.held).toBeLessThan(HELD_BYTES_MAX);
      }
      stranger.halfClose();
      stranger.read(Number.POSITIVE_INFINITY);
      scene.clock.advance(LONG_MS);
      expect(scene.errors).toEqual([]);
      expectAnswers(stranger.answer, answersDue(input));
      expect([stranger.isEnded, stranger.isTerminated]).toEqual([true, false]);
    },
  ),
};

export const HTTP_FUZZERS: readonly Fuzzer[] = [answered, unread];
