/** The whole proxy: the engine that relays, plus the console and HTTP for operators. */
import type { Config, FileReading } from "../config/config.ts";
import { NO_FILE, type Problem, problemText } from "../config/problem.ts";
import { descriptorRoom } from "../engine/descriptorRoom.ts";
import { Engine } from "../engine/engine.ts";
import { Opening } from "../engine/opening.ts";
import type { Platform } from "../engine/platform.ts";
import type { Log } from "../log/log.ts";
import type { View } from "../observe/view.ts";
import { hostPort } from "../text/hostPort.ts";
import { type ChangeSummary, changeSummary, isSummary } from "./changeSummary.ts";
import { Operators } from "./operators.ts";
import { type ReloadCause, Reloader, type Supervisor } from "./reloader.ts";

export interface ProxyParts {
  readonly platform: Platform;
  readonly log: Log;
  /** Says what becomes of each line. */
  readonly debugMode: boolean;
  /** The configuration's file; undefined: it has none, and cannot be read again. */
  readonly file?: ConfigFile | undefined;
  /** Told when the proxy reloads. */
  readonly supervisor?: Supervisor | undefined;
}

/** The file of a configuration that is in force. */
export interface ConfigFile {
  /** As it was named. */
  readonly name: string;
  /** Of the text that was read. */
  readonly hash: string;
  /** Reads it again, without waiting. */
  readonly read: () => FileReading;
}

const STOPPING: Problem = { at: "", message: "the proxy is stopping" };
/** Before each reload: those that are asked for meanwhile are one with it. */
const RELOAD_PAUSE_MS = 100;

export class StatsdProxy {
  private readonly parts: ProxyParts;
  private readonly engine: Engine;
  private readonly operators: Operators;
  private readonly reloader: Reloader | undefined;
  /** Serializes changes. */
  private lastChange: Promise<unknown> = Promise.resolve();
  /** A change that finds the nodes behind changed names waits for its turn. */
  private isRefreshDue = false;
  private isStopping = false;

  private constructor(config: Config, parts: ProxyParts) {
    this.parts = parts;
    const { platform, file } = parts;
    this.engine = new Engine({
      ...{ ...parts, config, hash: file?.hash ?? "" },
      onNamesChanged: () => this.refresh(),
    });
    this.reloader = file && this.reloaderOf(file);
    const reload = this.reloader && (() => this.reload("console"));
    this.operators = new Operators({ engine: this.engine, platform, file: file?.name, reload });
  }

  /** Starts a proxy; or returns every problem that prevents it, with nothing left open. */
  static async start(config: Config, parts: ProxyParts): Promise<StatsdProxy | readonly Problem[]> {
    const proxy = new StatsdProxy(config, parts);
    const result = await proxy.change(config);
    if (isSummary(result)) return proxy;
    proxy.close();
    return result;
  }

  /** The port that was bound. */
  get port(): number {
    return this.engine.source?.port ?? 0;
  }

  /** The port that was bound. */
  get consolePort(): number {
    return this.operators.consolePort ?? 0;
  }

  /** How it is, in one line. */
  get status(): string {
    const { config, cluster } = this.engine;
    const [up, all] = [cluster.liveLabels().length, config.nodes.length];
    return `${up} of ${all} nodes up, metrics at ${hostPort(config.host, this.port)}`;
  }

  /** Reads the configuration's file again. Returns what came of it, for people to read. Never throws. */
  async reload(cause: ReloadCause): Promise<string> {
    if (this.reloader !== undefined) return await this.reloader.reload(cause);
    this.parts.log.warn("reload_failed", { cause, reason: NO_FILE });
    return `${NO_FILE}\n`;
  }

  /**
   * Switches to another configuration, between two datagrams and without losing one: what is in both stays open. Or
   * changes nothing, and returns every problem.
   */
  async change(next: Config): Promise<ChangeSummary | readonly Problem[]> {
    const change = this.lastChange.then(() => this.changeNow(next));
    this.lastChange = change.catch(() => {});
    return await change;
  }

  view(): View {
    return this.engine.view();
  }

  /** Handles an exception that nothing else caught. */
  failed(error: Error): void {
    this.engine.failed(error);
  }

  /** Stops receiving, sends what is pending, and closes everything. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.engine.finish();
    this.close();
  }

  private reloaderOf({ name, read }: ConfigFile): Reloader {
    const { log, platform, supervisor } = this.parts;
    const { engine } = this;
    return new Reloader(
      {
        ...{ file: name, read, log, supervisor },
        change: (next) => this.change(next),
        pause: () => new Promise((resolve) => void platform.clock.setTimeout(resolve, RELOAD_PAUSE_MS)),
        nowSeconds: () => platform.clock.epochMs() / 1000,
        onResult: (result, view) => {
          engine.counters.configReloads[result]++;
          engine.configuration = view;
        },
      },
      engine.configuration,
    );
  }

  /** Once for all names that have changed by the time that its turn comes. */
  private refresh(): void {
    if (this.isRefreshDue || this.isStopping) return;
    this.isRefreshDue = true;
    this.lastChange = this.lastChange.then(() => this.refreshNow()).catch((error) => this.failed(error));
  }

  private async refreshNow(): Promise<void> {
    this.isRefreshDue = false;
    const result = await this.changeNow(this.engine.config);
    if (isSummary(result) || this.isStopping) return;
    for (const problem of result) this.parts.log.warn("nodes_refused", { reason: problemText(problem) });
  }

  private async changeNow(next: Config): Promise<ChangeSummary | readonly Problem[]> {
    if (this.isStopping) return [STOPPING];
    const { platform, log } = this.parts;
    const { source, config, cluster } = this.engine;
    const ring = cluster.fullRing();
    const least = descriptorRoom(next, next.nodes.length, platform);
    if ("message" in least) return [least];
    const opening = new Opening(platform.network);
    try {
      const room = descriptorRoom(next, await this.engine.prepare(next, opening), platform);
      if ("message" in room) opening.problems.push(room);
      else await this.operators.prepare(next, room.connectionsMax, opening);
      // Opened last: what arrives at it waits for the commit, and nothing can fail any more.
      await this.engine.prepareSource(next, opening, () => this.isStopping);
    } catch (error) {
      this.failed(error as Error);
      opening.problems.push({ at: "", message: `internal error: ${(error as Error).message}` });
    }
    // What would be opened now, nobody would close any more.
    if (this.isStopping) opening.problems.push(STOPPING);
    if (opening.problems.length > 0) {
      opening.abandon();
      return opening.problems.sort(byPath);
    }
    opening.commit((error) => this.failed(error));
    if (source === undefined) log.info("listening", this.addresses(next, cluster.labels().length));
    if (this.engine.source !== source || next.receiveBuffer !== config.receiveBuffer) this.engine.logSource();
    return changeSummary(config, next, { before: ring, after: cluster.fullRing() });
  }

  private addresses({ host, managementhost, httphost, mirror, ring }: Config, nodes: number) {
    const { consolePort, httpPort } = this.operators;
    return {
      ...(this.parts.file && { file: this.parts.file.name }),
      metrics: hostPort(host, this.port),
      console: hostPort(managementhost, consolePort ?? 0),
      ...(httpPort !== undefined && { http: hostPort(httphost, httpPort) }),
      nodes,
      ring: mirror ? "mirror" : ring,
    };
  }

  private close(): void {
    this.operators.close();
    this.engine.close();
  }
}

/** In one order, whatever went wrong first. */
function byPath(one: Problem, other: Problem): number {
  return one.at.localeCompare(other.at, "en", { numeric: true });
}
