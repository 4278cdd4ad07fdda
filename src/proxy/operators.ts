/** Where operators ask how the proxy is: the console, and HTTP if it is asked for, with the sampler behind its rates. */
import { version } from "../../package.json";
import type { Config } from "../config/config.ts";
import type { ConsoleContext } from "../console/commands.ts";
import { Console } from "../console/session.ts";
import type { Engine } from "../engine/engine.ts";
import type { HttpContext } from "../http/answers.ts";
import { Http } from "../http/session.ts";
import type { History } from "../observe/history.ts";
import { Sampler } from "../observe/sampler.ts";
import { Answering } from "../server/answering.ts";
import { memoryReader } from "../system/processFigures.io.ts";
import type { Listening, Start } from "./start.ts";

export interface OperatorsParts {
  readonly config: Config;
  /** Undefined: it could not be opened, and it is only tried whether the rest could. */
  readonly engine: Engine | undefined;
  /** Undefined: without HTTP there are no rates. */
  readonly history: History | undefined;
  readonly connectionsMax: number;
}

export interface Operators {
  readonly console: Listening;
  readonly http: Listening | undefined;
}

/** Undefined: it cannot be opened; why is `start`'s to tell. */
export async function openForOperators(parts: OperatorsParts, start: Start): Promise<Operators | undefined> {
  const { config, engine, history, connectionsMax } = parts;
  const bounds = { connectionsMax, answering: new Answering((error) => engine?.failed(error)) };
  const context = engine && consoleContextOf(config, engine);

  const consoleAt = { host: "managementhost", port: "managementport" };
  const console = await start.listen(consoleAt, config.managementhost, (host) => {
    const port = config.managementport;
    if (engine === undefined || context === undefined) return tryPort(host, port);
    const { consoleCut } = engine.counters;
    return new Console({ ...bounds, host, port, context, onCut: (reason) => consoleCut[reason]++ });
  });
  if (history === undefined) return console && { console, http: undefined };

  const http = await start.listen({ host: "httphost", port: "httpport" }, config.httphost, async (host) => {
    const port = config.httpport;
    if (engine === undefined || context === undefined) return tryPort(host, port);
    const { httpRequests, httpCut } = engine.counters;
    return new Http({
      ...bounds,
      ...{ host, port, context: await httpContextOf(context, engine, history) },
      onAnswer: (code) => httpRequests[code]++,
      onCut: (reason) => httpCut[reason]++,
    });
  });
  if (http && engine) await start.open("httpport", () => new Sampler(history, () => engine.totals()));
  return console && http && { console, http };
}

function consoleContextOf(config: Config, engine: Engine): ConsoleContext {
  return {
    config,
    view: () => engine.view(),
    memory: memoryReader(),
    destinationOf: (asked) => engine.cluster.destinationOf(asked),
    tap: (request) => engine.tap(request),
    health: "up",
  };
}

/** What is set at the console's context counts here. */
async function httpContextOf(context: ConsoleContext, { cluster }: Engine, history: History): Promise<HttpContext> {
  // Loaded only here: whoever does not ask for HTTP has neither its text in memory nor, from source, its bundling.
  const { PAGE } = await import("../page/page.ts");
  return {
    build: { version, bun_version: Bun.version },
    page: PAGE,
    source: () => ({
      version,
      nowMs: Date.now(),
      config: context.config,
      health: context.health,
      view: context.view(),
      history,
      healthChanges: cluster.healthChanges,
    }),
    destinationOf: (asked) => context.destinationOf(asked),
    ringPicture: (parts) => cluster.ringPicture(parts),
  };
}

/** @throws what listen throws */
function tryPort(hostname: string, port: number): Listening {
  const listener = Bun.listen({ hostname, port, socket: { open: (client) => client.terminate(), data: () => {} } });
  return { port: listener.port, close: () => listener.stop(true) };
}
