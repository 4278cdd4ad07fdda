/** What is said on the connection of a check, by its kind. */
import type { CheckConfig } from "../config/nodeCheck.ts";
import { escapeBytes } from "../text/escape.ts";
import { hostPort } from "../text/hostPort.ts";
import { isUpAtItsEnd, parseAnswer } from "./healthAnswer.ts";
import { parseHttpAnswer } from "./httpAnswer.ts";

/** Characters of an answer that are shown. */
const LINE_SHOWN_MAX = 60;

/** An answer, as far as it has been received. */
interface CheckAnswer {
  /** Undefined: undecided so far. */
  readonly verdict: "passed" | { readonly failure: string } | undefined;
  /** None of it can be mistaken for the next answer on this connection. */
  readonly isComplete: boolean;
  /** Whatever comes next on this connection may belong to anything. */
  readonly hasExtra: boolean;
}

export interface CheckProtocol {
  /** Undefined: nothing is asked; it is enough that the connection is accepted. */
  readonly request: string | undefined;
  /** Whether the connection is kept for the next check. */
  readonly isKept: boolean;
  /** @param text everything received since the request, one character per byte */
  parse(text: string): CheckAnswer;
  /** The verdict on an answer that is undecided so far, when nothing more of it comes: undefined if it passes. */
  failureOf(text: string): string | undefined;
}

/** @param host as it is asked for over HTTP */
export function protocolOf(check: CheckConfig, host: string): CheckProtocol {
  const { type, port, path, expect } = check;
  if (type === "tcp") return TCP;
  return type === "http" ? http(hostPort(host, port), path ?? "/", expect) : statsd(expect);
}

/** Closed as soon as it is accepted: a connection on which nothing is said would be a nuisance to the node. */
const TCP: CheckProtocol = {
  request: undefined,
  isKept: false,
  parse: () => ({ verdict: "passed", isComplete: true, hasExtra: false }),
  failureOf: () => "",
};

/** The request is the same as that of Etsy's proxy. */
function statsd(expected: string | undefined): CheckProtocol {
  const failures = { down: "answered health: down", "too long": "answer too long" };
  return {
    request: "health\r\n",
    isKept: true,
    parse: (text) => {
      const { verdict, ...rest } = parseAnswer(text, expected);
      if (verdict === undefined || verdict === "up") return { verdict: verdict && "passed", ...rest };
      return { verdict: { failure: failures[verdict] }, ...rest };
    },
    failureOf: (text) => (expected === undefined && isUpAtItsEnd(text) ? undefined : answered(text)),
  };
}

/** HTTP/1.0, as HAProxy's: the answer comes in one piece, and the node closes the connection after it. */
function http(authority: string, path: string, expected: string | undefined): CheckProtocol {
  return {
    request: `GET ${path} HTTP/1.0\r\nHost: ${authority}\r\nUser-Agent: statsd-proxy\r\nConnection: close\r\n\r\n`,
    isKept: false,
    parse: (text) => {
      const verdict = parseHttpAnswer(text, expected);
      const failure = verdict.kind === "failed" ? { failure: printable(verdict.reason) } : undefined;
      return { verdict: verdict.kind === "passed" ? "passed" : failure, isComplete: false, hasExtra: false };
    },
    failureOf: (text) => {
      const without = expected === undefined ? "" : ` without ${JSON.stringify(expected)}`;
      return answered(text) + without;
    },
  };
}

/** Its first line, so that whoever reads it sees what answers there. */
function answered(text: string): string {
  const [line] = text.trim().split(/[\r\n]/, 1);
  return `answered ${printable(line.slice(0, LINE_SHOWN_MAX))}`;
}

function printable(latin1: string): string {
  return escapeBytes(Buffer.from(latin1, "latin1"));
}
