/**
 * The connection to a node's management port, and the question that is asked on it as Etsy's proxy asks it: `health`.
 * It is kept from one check to the next. A check is a write and a read then, a tenth of what a connection costs; and its
 * end tells at once that the node has died.
 */
import type { Network, TcpConnection } from "../net/network.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { CheckResult } from "./checkPlan.ts";
import { judge } from "./healthAnswer.ts";

const QUESTION = "health\r\n";

/** A connection that was quiet for so long may have been forgotten by a firewall on its way. */
const QUIET_MS_MAX = 60_000;

/**
 * Times that the event loop comes round, and reads what has come, before time is up. When it was held up (a busy proxy
 * sleeps, a process is stopped or gets no processor) the timer comes first, and the answer has been there for long.
 */
const LAST_LOOKS = 3;

/**
 * What connect says when the node has no part in it. Want of a descriptor Bun 1.4.5 calls ECONNREFUSED (test: "connect
 * calls the want of a descriptor a refusal"), so that is asked for.
 */
const OUR_ERRORS = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"]);
const NO_DESCRIPTOR = "no file descriptor";

export interface ProbeParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  /** The longest to wait: for the connection, for an answer to begin, and for its rest. */
  readonly timeoutMs: number;
  /** The node ended the connection after so many answers, at least one, while it was asked nothing. */
  readonly onEnd: (reason: string, answers: number) => void;
  readonly network: Pick<Network, "connectTcp" | "hasDescriptor">;
  readonly clock: Clock;
}

export class Probe {
  private readonly parts: ProbeParts;
  private connection: TcpConnection | undefined;
  /** On this connection. */
  private answers = 0;
  /** What came since the last question. */
  private text = "";
  private answeredAtMs = 0;
  /** Takes the result of the check under way. */
  private done: ((result: CheckResult) => void) | undefined;
  private timer: Timer | undefined;
  /** Counts what restarts or ends the wait: a look at the clock that belongs to an earlier one is void. */
  private step = 0;

  constructor(parts: ProbeParts) {
    this.parts = parts;
  }

  /** Calls `done` once with what came of it, unless `close` comes before. Not while a check is under way. */
  ask(done: (result: CheckResult) => void): void {
    this.done = done;
    const isQuiet = this.parts.clock.nowMs() - this.answeredAtMs > QUIET_MS_MAX;
    // What is left of the last answer would be taken for the beginning of the next.
    if (isQuiet || !judge(this.text).isWhole) this.disconnect();
    if (this.connection === undefined) this.connect();
    else this.send(this.connection);
  }

  /** Ends the check under way, without a result, and the connection. */
  close(): void {
    this.done = undefined;
    this.awaitNothing();
    this.disconnect();
  }

  private connect(): void {
    const { host, port, network } = this.parts;
    if (!network.hasDescriptor()) {
      this.skip(NO_DESCRIPTOR);
      return;
    }
    const isMine = () => connection !== undefined && this.connection === connection;
    let connection: TcpConnection | undefined;
    connection = network.connectTcp({
      host,
      port,
      onConnect: () => {
        if (isMine()) this.send(connection as TcpConnection);
      },
      onBytes: (bytes) => {
        if (isMine()) this.received(bytes);
      },
      onEnd: (error) => {
        if (isMine()) this.ended(error);
      },
    });
    this.connection = connection;
    this.await();
  }

  private send(connection: TcpConnection): void {
    this.text = "";
    this.await();
    connection.write(QUESTION);
  }

  private received(bytes: Buffer): void {
    if (this.text === "") this.await();
    const isUnasked = this.done === undefined && judge(this.text).isWhole;
    this.text += bytes.toString("latin1");
    const { verdict, isTooMuch } = judge(this.text);
    this.answers += this.done !== undefined && verdict !== undefined ? 1 : 0;
    // What comes next might be the answer to anything.
    if (isUnasked || isTooMuch) this.disconnect();
    if (this.done === undefined || verdict === undefined) return;
    this.answeredAtMs = this.parts.clock.nowMs();
    if (verdict === "up") this.finish({ outcome: "passed" });
    else this.fail(verdict === "down" ? "health: down" : "answer too long", "silence");
  }

  /** The connection is gone, or was never there. `error`: why; undefined: the node closed it. */
  private ended(error?: string): void {
    const { answers, text } = this;
    this.disconnect();
    if (this.done === undefined) this.parts.onEnd(error ?? "closed the connection", answers);
    // It may be one that closes after each answer, and did so only when the next question was on its way.
    else if (answers === 1 && text === "") this.connect();
    else if (answers === 0 && error !== undefined && this.isOurs(error)) this.skip(error);
    else {
      const reason = error ?? unanswered(text, "closed without an answer");
      if (answers > 1) this.fail(reason, "end");
      else this.fail(reason, error === undefined && text !== "" ? "silence" : "refusal");
    }
  }

  /** Whether the node has no part in an error of connect. */
  private isOurs(error: string): boolean {
    return OUR_ERRORS.has(error) || (error === "ECONNREFUSED" && !this.parts.network.hasDescriptor());
  }

  private skip(error: string): void {
    this.finish({ outcome: "skipped", reason: OUR_ERRORS.has(error) ? error : NO_DESCRIPTOR });
  }

  private fail(reason: string, sign: "silence" | "refusal" | "end"): void {
    this.finish({ outcome: "failed", reason, sign });
  }

  private finish(result: CheckResult): void {
    const { done } = this;
    this.done = undefined;
    this.awaitNothing();
    done?.(result);
  }

  private disconnect(): void {
    this.connection?.destroy();
    this.connection = undefined;
    this.answers = 0;
    this.text = "";
  }

  /** Waits for what comes next, from now on. */
  private await(): void {
    this.awaitNothing();
    if (this.done === undefined) return;
    const { step } = this;
    this.timer = this.parts.clock.setTimeout(() => this.lookAgain(step, LAST_LOOKS), this.parts.timeoutMs);
  }

  private awaitNothing(): void {
    this.parts.clock.cancel(this.timer);
    this.timer = undefined;
    this.step++;
  }

  private lookAgain(step: number, looks: number): void {
    if (step !== this.step) return;
    if (looks > 0) {
      this.parts.clock.setImmediate(() => this.lookAgain(step, looks - 1));
      return;
    }
    const reason = unanswered(this.text, "no answer");
    // An answer that comes now must not be taken for that to the next question.
    this.disconnect();
    this.fail(reason, "silence");
  }
}

function unanswered(text: string, nothing: string): string {
  return text === "" ? nothing : "answer without up";
}
