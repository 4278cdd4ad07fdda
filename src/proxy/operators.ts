/** The operators' side: the console and, if configured, HTTP with the sampler behind its rates. */

import { version } from "../../package.json";
import type { Config } from "../config/config.ts";
import { listenerProblems } from "../config/listeners.ts";
import type { Problem } from "../config/problem.ts";
import type { ConsoleContext } from "../console/commands.ts";
import { Console } from "../console/session.ts";
import { Taps } from "../console/taps.ts";
import type { Engine } from "../engine/engine.ts";
import type { Opening } from "../engine/opening.ts";
import type { Platform } from "../engine/platform.ts";
import type { HttpContext } from "../http/answers.ts";
import { Http } from "../http/session.ts";
import { History } from "../observe/history.ts";
import { Sampler } from "../observe/sampler.ts";
import { AnswerScheduler } from "../server/answerScheduler.ts";
import { hostPort } from "../text/hostPort.ts";

export interface OperatorsParts {
  readonly engine: Engine;
  readonly platform: Platform;
  /** The configuration's file; undefined: it has none. */
  readonly file: string | undefined;
  /** Reads the configuration again, for the console; undefined: there is no file. */
  readonly reload: (() => Promise<string>) | undefined;
}

/** A server that answers at one address. */
interface Retirable {
  suspend(): void;
  resume(): void;
  retire(onClosed: () => void): void;
  close(): void;
}

/** A server, and the address that it was opened for. */
interface Served<Server> {
  readonly server: Server;
  readonly host: string;
  readonly port: number;
}

/** HTTP shows rates, which are sampled only for it. */
interface ServedHttp extends Served<Http> {
  readonly history: History;
  readonly sampler: Sampler;
}

export class Operators {
  private readonly parts: OperatorsParts;
  private readonly scheduler: AnswerScheduler;
  private readonly context: ConsoleContext;
  private console: Served<Console> | undefined;
  private http: ServedHttp | undefined;
  /** Servers that have been replaced, and may still have connections. */
  private readonly retired = new Set<Retirable>();

  constructor(parts: OperatorsParts) {
    const { engine, platform } = parts;
    this.parts = parts;
    this.scheduler = new AnswerScheduler(platform.clock, (error) => engine.failed(error));
    this.context = consoleContextOf(parts);
  }

  /** The port that was bound; undefined before the first commit. */
  get consolePort(): number | undefined {
    return this.console?.server.port;
  }

  /** Also undefined without `httpport`. */
  get httpPort(): number | undefined {
    return this.http?.server.port;
  }

  /** Opens what is new in the next configuration. @param connectionsMax per server */
  async prepare(next: Config, connectionsMax: number, opening: Opening): Promise<void> {
    if (next.httpport === next.managementport) {
      const problems = await this.clashes(next);
      opening.problems.push(...problems);
      if (problems.length > 0) return;
    }
    await this.prepareConsole(next, connectionsMax, opening);
    await this.prepareHttp(next, connectionsMax, opening);
  }

  close(): void {
    this.console?.server.close();
    this.http?.server.close();
    this.http?.sampler.close();
    for (const server of this.retired) server.close();
  }

  /** Names of hosts that mean one address: the kernel would only say that it is in use. */
  private async clashes(next: Config): Promise<readonly Problem[]> {
    const { network } = this.parts.platform;
    const hosts = [next.managementhost, next.httphost];
    const found = await Promise.all(hosts.map((host) => network.resolve(host).catch(() => host)));
    return listenerProblems(next, (host) => found[hosts.indexOf(host)]);
  }

  private async prepareConsole(next: Config, connectionsMax: number, opening: Opening): Promise<void> {
    const { managementhost: host, managementport: port } = next;
    const { scheduler, context, console: before } = this;
    if (before && isAt(before, host, port)) {
      opening.onCommit(() => before.server.allow(connectionsMax));
      return;
    }
    this.releasePort(port, next, opening);
    const { engine, platform } = this.parts;
    const { consoleCut } = engine.counters;
    const onCut = (reason: keyof typeof consoleCut) => void consoleCut[reason]++;
    const server = await opening.listen(
      { host: "managementhost", port: "managementport", address: hostPort(host, port) },
      host,
      (host) => {
        return new Console({ ...platform, host, port, context, connectionsMax, scheduler, onCut });
      },
    );
    if (server === undefined) return;
    opening.onCommit(() => {
      this.console = { server, host, port };
      this.retire(before?.server);
    });
  }

  private async prepareHttp(next: Config, connectionsMax: number, opening: Opening): Promise<void> {
    const { httphost: host, httpport: port } = next;
    const { scheduler, http: before } = this;
    if (port === 0) {
      opening.onCommit(() => {
        this.retire(before?.server);
        before?.sampler.close();
        this.parts.engine.cluster.clearRates();
        this.http = undefined;
        this.parts.engine.history = undefined;
      });
      return;
    }
    if (before && isAt(before, host, port)) {
      opening.onCommit(() => before.server.allow(connectionsMax));
      return;
    }
    this.releasePort(port, next, opening);
    const { engine, platform } = this.parts;
    const { httpRequests, httpCut } = engine.counters;
    const history = before?.history ?? new History();
    const context = await httpContextOf(this.context, history);
    const onAnswer = (code: keyof typeof httpRequests) => void httpRequests[code]++;
    const onCut = (reason: keyof typeof httpCut) => void httpCut[reason]++;
    const server = await opening.listen(
      { host: "httphost", port: "httpport", address: hostPort(host, port) },
      host,
      (host) => {
        return new Http({ ...platform, host, port, context, connectionsMax, scheduler, onAnswer, onCut });
      },
    );
    if (server === undefined) return;
    opening.onCommit(() => {
      const sampler = before?.sampler ?? new Sampler(history, platform.clock, (nowMs) => engine.sample(nowMs));
      engine.history = history;
      this.http = { server, host, port, history, sampler };
      this.retire(before?.server);
    });
  }

  /**
   * A server that moves to another address of its port, or leaves it to the other server, cannot stay until that is open.
   * It releases the port for a moment, and takes it back if the change comes to nothing.
   */
  private releasePort(port: number, next: Config, opening: Opening): void {
    const { console, http } = this;
    const leaving = [
      ...(console && !isAt(console, next.managementhost, next.managementport) ? [console] : []),
      ...(http && !isAt(http, next.httphost, next.httpport) ? [http] : []),
    ];
    for (const { server, port: own } of leaving) {
      if (own !== port) continue;
      server.suspend();
      opening.onAbandon(() => this.takeBack(server));
    }
  }

  private takeBack(server: Retirable): void {
    try {
      server.resume();
    } catch (error) {
      this.parts.engine.failed(error as Error);
    }
  }

  /** The last answer of a console that moves away is the one to the command that moved it. */
  private retire(server: Retirable | undefined): void {
    if (server === undefined) return;
    this.retired.add(server);
    server.retire(() => this.retired.delete(server));
  }
}

function isAt(served: Served<unknown>, host: string, port: number): boolean {
  return served.host === host && served.port === port;
}

function consoleContextOf({ engine, platform, file, reload }: OperatorsParts): ConsoleContext {
  const { memory, clock, hostName } = platform;
  const taps = new Taps({
    nodeWidth: () => Math.max(0, ...engine.cluster.labels().map(({ length }) => length)),
    setObserver: (observer) => engine.observe(observer),
    linesReceived: () => engine.counters.linesReceived,
    clock,
  });
  const context: ConsoleContext = {
    get config() {
      return engine.config;
    },
    view: () => engine.view(),
    source: () => ({
      ...{ version, hostName, file, port: engine.source?.port ?? 0 },
      nowMs: clock.epochMs(),
      config: engine.config,
      health: context.health,
      view: engine.view(),
      healthChanges: engine.cluster.healthChanges,
    }),
    memory,
    reload,
    destinationOf: (asked) => engine.cluster.destinationOf(asked),
    setNode: (label, word) => engine.cluster.setNode(label, word),
    tap: (request) => taps.open(request),
    names: (request) => taps.openNames(request, () => engine.cluster.isUp(request.label)),
    get health() {
      return engine.health.isUp ? "up" : "down";
    },
    set health(health) {
      engine.setHealth(health === "up");
    },
  };
  return context;
}

/** Health that is set at the console applies here too. */
async function httpContextOf(console: ConsoleContext, history: History): Promise<HttpContext> {
  // Loaded on demand: without HTTP, the page is neither kept in memory nor, when running from source, bundled.
  const { PAGE } = await import("../page/page.ts");
  return {
    build: { version, bun_version: Bun.version },
    page: PAGE,
    source: () => console.source(),
    history,
    destinationOf: (asked) => console.destinationOf(asked),
  };
}
