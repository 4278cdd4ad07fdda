/** The console, asked anything in any fragments: it answers each line as it answers it alone, and is bounded meanwhile. */
import { expect } from "bun:test";
import fc from "fast-check";
import { answer, type Stream } from "../../src/console/commands.ts";
import { Console, LINE_BYTES_MAX } from "../../src/console/session.ts";
import type { CutReason } from "../../src/relay/counters.ts";
import { AnswerScheduler } from "../../src/server/answerScheduler.ts";
import { ManualClock } from "../support/clocks.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";
import { consoleContext } from "./contexts.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { anyBytes, cuts, fragmentsOf, spoilt } from "./mutations.ts";
import { Stranger } from "./stranger.ts";

const TAP_MS = 60_000;
const TAP_ENDS = "# over\n";
/** More than all taps of a case together. */
const LONG_MS = 100 * TAP_MS;
/** Longer than the pause behind which a line counts as complete. */
const PAUSE_MS = 60;
/** Input and output that are held for a client, and what is added to them at once. */
const HELD_BYTES_MAX = 256 * 1024;
/** What a client may send after its last answer, and be waited for. */
const IGNORED_BYTES = 200_000;

const PIECES = [
  ...["\n", "\r\n", "\r", " ", "\t", '"', "\\", '\\"', "\\x41", "\\xff", "\0", "\x7f", "caf\xc3\xa9", "\xc3", "*", "?"],
  ...["ping", "stats", "stats json", "json", "memstats", "config", "nodes", "route", "route a", "tap", "tap rejected"],
  ...["health", "health up", "health down", "status", "status json", "version", "help", "reload", "toString", "-1"],
  ...["__proto__", "1e9", "0", "10000", "10001", "web.*", "n".repeat(255), "n".repeat(256), "x".repeat(4090)],
];
const piece = fc.constantFrom(...PIECES);
const command = fc.oneof(
  piece,
  fc.array(piece, { maxLength: 4 }).map((words) => words.join(" ")),
);
const commands = fc
  .array(fc.tuple(command, fc.constantFrom("\n", "\n", "\r\n", "\n\n")), { maxLength: 12 })
  .map((lines) => lines.map(([line, end]) => line + end).join(""));
const quitting = fc.tuple(commands, fc.constantFrom("", "", "quit\n", "quit")).map(([text, end]) => text + end);
const input = fc.oneof({ weight: 4, arbitrary: spoilt(quitting, piece) }, { weight: 1, arbitrary: anyBytes });

class Scene {
  readonly clock = new ManualClock();
  readonly errors: Error[] = [];
  readonly cuts: CutReason[] = [];
  private readonly network = new FakeNetwork();

  constructor() {
    const { clock, network } = this;
    new Console({
      ...{ host: "127.0.0.1", port: 0, connectionsMax: 4, network, clock },
      context: consoleContext(() => this.tap()),
      onCut: (reason) => void this.cuts.push(reason),
      scheduler: new AnswerScheduler(clock, (error) => void this.errors.push(error)),
    });
  }

  connect() {
    return new Stranger(this.network.servers[0]);
  }

  private tap(): Stream {
    let timer: object | undefined;
    return {
      isTap: true,
      begin: (_, end) => {
        timer = this.clock.setTimeout(() => end(TAP_ENDS), TAP_MS);
      },
      stop: () => {
        this.clock.cancel(timer);
        return TAP_ENDS;
      },
    };
  }
}

/** What comes for an input that has an end, whether a line of it is too long, and how many bytes follow the last answer. */
function transcriptOf(input: string): { text: string; isCut: boolean; ignoredBytes: number } {
  const context = consoleContext(() => ({ isTap: true, begin: () => {}, stop: () => "" }));
  let text = "";
  let readBytes = 0;
  for (const line of input.split("\n")) {
    if (line.length > LINE_BYTES_MAX) return { text, isCut: true, ignoredBytes: 0 };
    readBytes += line.length + 1;
    const reply = answer(line, context);
    if (reply === undefined) continue;
    text += reply.text;
    if (reply.rest !== undefined)
      for (const piece of { [Symbol.iterator]: () => reply.rest as Iterator<string> }) text += piece;
    if (reply.stream !== undefined) text += TAP_ENDS;
    if (reply.close) break;
  }
  return { text, isCut: false, ignoredBytes: Math.max(0, input.length - readBytes) };
}

const answered: Fuzzer = {
  name: "console: every line is answered, in any fragments",
  property: fc.property(input, cuts, (input, cuts) => {
    const scene = new Scene();
    const stranger = scene.connect();
    for (const fragment of fragmentsOf(input, cuts)) stranger.send(fragment);
    scene.clock.advance(LONG_MS);
    stranger.halfClose();
    scene.clock.advance(LONG_MS);
    const { text, isCut } = transcriptOf(input);
    expect(scene.errors).toEqual([]);
    expect(stranger.answer).toBe(text);
    expect(scene.cuts).toEqual(isCut ? ["line_too_long"] : []);
    expect([stranger.isEnded, stranger.isTerminated]).toEqual([!isCut, isCut]);
  }),
};

const unread: Fuzzer = {
  name: "console: no more is held than a client may make it hold, and it gets the rest when it reads",
  property: fc.property(
    fc.array(input, { minLength: 1, maxLength: 4 }),
    fc.nat({ max: 60 }),
    fc.array(fc.nat({ max: 100_000 }), { maxLength: 6 }),
    (inputs, times, appetites) => {
      const scene = new Scene();
      const stranger = scene.connect();
      stranger.reads = 0;
      const input = inputs.join("\n").repeat(1 + times);
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
      scene.clock.advance(times * LONG_MS + LONG_MS);
      expect(scene.errors).toEqual([]);
      const { text, isCut, ignoredBytes } = transcriptOf(input);
      // Whoever ends while a tap runs is told so.
      const got = stranger.answer.replaceAll("# no more input: the tap runs to its end\n", "").replaceAll("#\n", "");
      // Whoever reads nothing and goes on sending gets no more than it has read.
      if (isCut || ignoredBytes > IGNORED_BYTES) expect(text.startsWith(got)).toBe(true);
      else expect(got).toBe(text);
      expect(stranger.isOpen).toBe(false);
    },
  ),
};

const paused: Fuzzer = {
  name: "console: pauses anywhere leave a connection that still answers, and ends",
  property: fc.property(input, cuts, (input, cuts) => {
    const scene = new Scene();
    const stranger = scene.connect();
    for (const fragment of fragmentsOf(input, cuts)) {
      stranger.send(fragment);
      scene.clock.advance(PAUSE_MS);
    }
    const other = scene.connect();
    other.send("ping");
    scene.clock.advance(PAUSE_MS);
    expect(other.answer).toBe("pong\n");
    stranger.halfClose();
    scene.clock.advance(LONG_MS);
    expect(scene.errors).toEqual([]);
    expect(stranger.isOpen).toBe(false);
  }),
};

export const CONSOLE_FUZZERS: readonly Fuzzer[] = [answered, unread, paused];
