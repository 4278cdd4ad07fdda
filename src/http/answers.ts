/** The HTTP side's language: a request in, an answer out. http/session.ts does the sockets. */

import type { History } from "../observe/history.ts";
import { healthOf } from "../observe/proxyHealth.ts";
import { reloadFailureLine } from "../observe/reloadFailure.ts";
import { type StatsSource, statusJsonParts } from "../observe/statusJson.ts";
import { verdictOf } from "../observe/verdict.ts";
import type { Destination } from "../placement/destination.ts";
import type { HttpCode } from "../relay/counters.ts";
import { type Pieces, piecesOf } from "../text/pieces.ts";
import { destinationJson } from "./destinationJson.ts";
import { historyJson } from "./historyJson.ts";
import { type Labels, PROMETHEUS_TYPE, prometheusParts } from "./prometheus.ts";

/** Longer names occur in no real datagram, and in no URL. */
export const NAME_BYTES_MAX = 4096;

const JSON_TYPE = "application/json";

/** What requests can see. They cannot change anything. */
export interface HttpContext {
  /** The running version and the like. */
  readonly build: Labels;
  /** The complete status page, and what browsers may allow it to do. */
  readonly page: Page;
  source(): StatsSource;
  /** History of the rates. */
  readonly history: History;
  /** Where a name, or a whole line, goes. */
  destinationOf(asked: Buffer): Destination;
}

export interface Page {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

export interface Reply {
  readonly status: HttpCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Pieces;
}

type Answer = (query: URLSearchParams, context: HttpContext) => Reply;

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/": (_, { page }) =>
    reply(
      200,
      "text/html; charset=utf-8",
      { text: page.html },
      { "content-security-policy": page.contentSecurityPolicy },
    ),
  "/metrics": (_, context) =>
    reply(200, PROMETHEUS_TYPE, piecesOf(prometheusParts(context.source().view, context.build))),
  "/healthz": (_, context) => healthReply(context.source()),
  "/stats.json": (_, context) => reply(200, JSON_TYPE, piecesOf(statusJsonParts(context.source()))),
  // The rest is for the page.
  "/history.json": (query, context) => {
    const from = Number(query.get("from") ?? 0);
    if (!Number.isInteger(from) || from < 0) return text(400, "from: expected a sample number");
    return json(historyJson(context.history.since(from)));
  },
  "/owner.json": (query, context) => {
    const asked = query.get("name") ?? "";
    if (asked.length > NAME_BYTES_MAX) return text(400, `name: expected at most ${NAME_BYTES_MAX} bytes`);
    const bytes = Buffer.from(asked);
    return json(destinationJson(bytes, context.destinationOf(bytes)));
  },
};

/** The answer to a request. It contains nothing of the request, apart from the name that the page asks about. */
export function respond(method: string, path: string, query: URLSearchParams, context: HttpContext): Reply {
  const answer = Object.hasOwn(ANSWERS, path) ? ANSWERS[path] : undefined;
  if (answer === undefined) return text(404, "not found");
  if (method !== "GET" && method !== "HEAD") return text(405, "method not allowed", { allow: "GET, HEAD" });
  return answer(query, context);
}

/** For a request that cannot be parsed, or is too long. */
export function badRequest(status: 400 | 431): Reply {
  return text(status, status === 431 ? "request header fields too large" : "bad request");
}

/** For a bug. */
export function serverError(): Reply {
  return text(500, "internal error");
}

function healthReply(source: StatsSource): Reply {
  const { health, reason } = healthOf(source.health, source.view);
  const failure = reloadFailureLine(source.view.configuration);
  const { line } = verdictOf(source.view);
  return lines(health === "up" ? 200 : 503, `health: ${health}\n${reason}\nverdict: ${line}\n${failure}`);
}

function json(value: unknown): Reply {
  return reply(200, JSON_TYPE, { text: JSON.stringify(value) });
}

function text(status: HttpCode, line: string, headers: Reply["headers"] = {}): Reply {
  return lines(status, `${line}\n`, headers);
}

function lines(status: HttpCode, text: string, headers: Reply["headers"] = {}): Reply {
  return reply(status, "text/plain; charset=utf-8", { text }, headers);
}

function reply(status: HttpCode, type: string, body: Pieces, headers: Reply["headers"] = {}): Reply {
  return {
    status,
    body,
    headers: {
      "content-type": type,
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  };
}
