/** Where operators ask how the proxy is: the console, and HTTP if it is asked for, with the sampler behind its rates. */
import { version } from "../package.json";
import type { Config } from "./core/config.ts";
import type { Desk } from "./core/console.ts";
import type { History } from "./core/history.ts";
import type { WebDesk } from "./core/web.ts";
import type { Engine } from "./engine.ts";
import { Answering } from "./io/answering.ts";
import { Console } from "./io/console.ts";
import { Http } from "./io/http.ts";
import { memoryReader } from "./io/processFigures.ts";
import { Sampler } from "./io/sampler.ts";
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
  const desk = engine && deskOf(config, engine);

  const consoleAt = { host: "managementhost", port: "managementport" };
  const console = await start.listen(consoleAt, config.managementhost, (host) => {
    const port = config.managementport;
    if (engine === undefined || desk === undefined) return tryPort(host, port);
    const { consoleCut } = engine.counters;
    return new Console({ ...bounds, host, port, desk, onCut: (reason) => consoleCut[reason]++ });
  });
  if (history === undefined) return console && { console, http: undefined };

  const http = await start.listen({ host: "httphost", port: "httpport" }, config.httphost, async (host) => {
    const port = config.httpport;
    if (engine === undefined || desk === undefined) return tryPort(host, port);
    const { httpRequests, httpCut } = engine.counters;
    return new Http({
      ...bounds,
      ...{ host, port, desk: await webDeskOf(desk, engine, history) },
      onAnswer: (code) => httpRequests[code]++,
      onCut: (reason) => httpCut[reason]++,
    });
  });
  if (http && engine) await start.open("httpport", () => new Sampler(history, () => engine.totals()));
  return console && http && { console, http };
}

function deskOf(config: Config, engine: Engine): Desk {
  return {
    config,
    view: () => engine.view(),
    memory: memoryReader(),
    whereabouts: (asked) => engine.cluster.whereabouts(asked),
    tap: (request) => engine.tap(request),
    health: "up",
  };
}

/** What is set at the console's desk counts here. */
async function webDeskOf(desk: Desk, { cluster }: Engine, history: History): Promise<WebDesk> {
  // Loaded only here: whoever does not ask for HTTP has neither its text in memory nor, from source, its bundling.
  const { PAGE } = await import("./page/page.ts");
  return {
    build: { version, bun_version: Bun.version },
    page: PAGE,
    source: () => ({
      version,
      nowMs: Date.now(),
      config: desk.config,
      health: desk.health,
      view: desk.view(),
      history,
      healthChanges: cluster.healthChanges,
    }),
    whereabouts: (asked) => desk.whereabouts(asked),
    ringPicture: (parts) => cluster.ringPicture(parts),
    fullShares: () => cluster.fullShares(),
  };
}

/** @throws what listen throws */
function tryPort(hostname: string, port: number): Listening {
  const listener = Bun.listen({ hostname, port, socket: { open: (client) => client.terminate(), data: () => {} } });
  return { port: listener.port, close: () => listener.stop(true) };
}
