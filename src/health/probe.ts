/**
 * The connection to the port where a node is checked, and what is said on it, by the kind of the check. A statsd's is
 * kept from one check to the next. That makes a check one write and one read, a tenth of the cost of a connection; and
 * when it ends, the node's death shows at once.
 */
import type { Network, TcpConnection } from "../net/network.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { CheckResult } from "./checkPlan.ts";
import type { CheckProtocol } from "./checkProtocol.ts";

/** A firewall may have forgotten a connection that was idle for this long. */
const IDLE_MS_MAX = 60_000;

/**
 * Rounds of the event loop, which read what has arrived, before a timeout counts. After a delay (a busy proxy sleeps, a
 * process is stopped or gets no CPU), the timer fires first although the answer arrived long ago.
 */
const GRACE_TURNS = 3;

/** Errors of connect that are not the node's fault: what the proxy or its machine lacks. */
const LACKS = new Map([
  ["EMFILE", "no file descriptor"],
  ["ENFILE", "no file descriptor"],
  ["ENOBUFS", "no memory"],
  ["ENOMEM", "no memory"],
  ["EADDRNOTAVAIL", "no local port"],
]);

export interface ProbeParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly protocol: CheckProtocol;
  /** The longest to wait for the connection, for the first byte of an answer, and for its rest. */
  readonly timeoutMs: number;
  /** The node closed an idle connection after this many answers, at least one. */
  readonly onEnd: (reason: string, answers: number) => void;
  readonly network: Pick<Network, "connectTcp">;
  readonly clock: Clock;
}

export class Probe {
  private readonly parts: ProbeParts;
  private timeoutMs: number;
  private connection: TcpConnection | undefined;
  /** On this connection. */
  private answers = 0;
  /** Received since the last request. */
  private text = "";
  /** None of it can be mistaken for the next answer. */
  private isComplete = false;
  private answeredAtMs = 0;
  /** Takes the result of the check in progress. */
  private done: ((result: CheckResult) => void) | undefined;
  private timer: Timer | undefined;
  private timerAtMs = 0;
  /** Incremented whenever the wait restarts or ends: a timeout that belongs to an earlier wait is ignored. */
  private waitId = 0;

  constructor(parts: ProbeParts) {
    this.parts = parts;
    this.timeoutMs = parts.timeoutMs;
  }

  /** Limits what is waited for from now on. What is waited for already ends no later than it would have. */
  useTimeout(timeoutMs: number): void {
    this.timeoutMs = timeoutMs;
    if (this.timer !== undefined && this.parts.clock.nowMs() + timeoutMs < this.timerAtMs) this.startTimeout();
  }

  /** Calls `done` once with the result, unless `close` comes first. Must not be called while a check is in progress. */
  ask(done: (result: CheckResult) => void): void {
    this.done = done;
    const isIdle = this.parts.clock.nowMs() - this.answeredAtMs > IDLE_MS_MAX;
    // What is left of the last answer would be taken for the beginning of the next.
    if (isIdle || !this.isComplete) this.disconnect();
    if (this.connection === undefined) this.connect();
    else this.send(this.connection);
  }

  /** Aborts the check in progress, without a result, and closes the connection. */
  close(): void {
    this.done = undefined;
    this.cancelTimeout();
    this.disconnect();
  }

  private connect(): void {
    const { host, port, network } = this.parts;
    const isCurrent = () => connection !== undefined && this.connection === connection;
    let connection: TcpConnection | undefined;
    connection = network.connectTcp({
      host,
      port,
      onConnect: () => {
        if (isCurrent()) this.connected(connection as TcpConnection);
      },
      onBytes: (bytes) => {
        if (isCurrent()) this.received(bytes);
      },
      onEnd: (error) => {
        if (isCurrent()) this.ended(error);
      },
    });
    this.connection = connection;
    this.startTimeout();
  }

  private connected(connection: TcpConnection): void {
    if (this.parts.protocol.request !== undefined) this.send(connection);
    else this.pass();
  }

  private send(connection: TcpConnection): void {
    this.text = "";
    this.startTimeout();
    connection.write(this.parts.protocol.request as string);
  }

  private received(bytes: Buffer): void {
    const isFirst = this.text === "";
    this.text += bytes.toString("latin1");
    const { verdict, isComplete, hasExtra } = this.parts.protocol.parse(this.text);
    this.isComplete = isComplete;
    if (isFirst && verdict === undefined) this.startTimeout();
    this.answers += this.done !== undefined && verdict !== undefined ? 1 : 0;
    // Whatever comes next may belong to anything.
    if (hasExtra) this.disconnect();
    if (this.done === undefined || verdict === undefined) return;
    this.answeredAtMs = this.parts.clock.nowMs();
    if (verdict === "passed") this.pass();
    else this.fail(verdict.failure, "silence");
  }

  /** The connection has ended or failed. `error`: why; undefined: the node closed it. */
  private ended(error?: string): void {
    const { answers, text } = this;
    this.disconnect();
    if (this.done === undefined) this.parts.onEnd(error ?? "closed the connection", answers);
    // A node that closes after each answer may do so only once the next request is on its way.
    else if (answers === 1 && text === "") this.connect();
    else if (answers === 0 && error !== undefined && LACKS.has(error)) this.skip(`${LACKS.get(error)} (${error})`);
    else {
      const failure = this.failureOf(text, "closed without an answer");
      // What it has said counts, however the connection ends: one that is closed before its question is read is reset.
      if (failure === undefined) this.pass();
      else if (answers > 1) this.fail(error ?? failure, "end");
      else this.fail(error ?? failure, error === undefined && text !== "" ? "silence" : "refusal");
    }
  }

  private skip(reason: string): void {
    this.finish({ outcome: "skipped", reason });
  }

  private pass(): void {
    this.finish({ outcome: "passed" });
  }

  private fail(reason: string, sign: "silence" | "refusal" | "end"): void {
    this.finish({ outcome: "failed", reason, sign });
  }

  private finish(result: CheckResult): void {
    const { done } = this;
    this.done = undefined;
    this.cancelTimeout();
    if (!this.parts.protocol.isKept) this.disconnect();
    done?.(result);
  }

  private disconnect(): void {
    this.connection?.destroy();
    this.connection = undefined;
    this.answers = 0;
    this.text = "";
    this.isComplete = false;
  }

  /** Starts the timeout for what comes next. */
  private startTimeout(): void {
    this.cancelTimeout();
    if (this.done === undefined) return;
    const { waitId, timeoutMs } = this;
    this.timerAtMs = this.parts.clock.nowMs() + timeoutMs;
    this.timer = this.parts.clock.setTimeout(() => this.timedOut(waitId, timeoutMs, GRACE_TURNS), timeoutMs);
  }

  private cancelTimeout(): void {
    this.parts.clock.cancel(this.timer);
    this.timer = undefined;
    this.waitId++;
  }

  private timedOut(waitId: number, timeoutMs: number, turnsLeft: number): void {
    if (waitId !== this.waitId) return;
    if (turnsLeft > 0) {
      this.parts.clock.setImmediate(() => this.timedOut(waitId, timeoutMs, turnsLeft - 1));
      return;
    }
    const reason = this.failureOf(this.text, `no answer in ${timeoutMs / 1000} s`);
    // An answer that arrives later must not be taken for the next one.
    this.disconnect();
    if (reason === undefined) this.pass();
    else this.fail(reason, "silence");
  }

  /** Undefined: it passes. */
  private failureOf(text: string, nothing: string): string | undefined {
    return text === "" ? nothing : this.parts.protocol.failureOf(text);
  }
}
