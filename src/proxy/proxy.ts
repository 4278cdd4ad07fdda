/** The whole proxy: the engine that relays, and console and HTTP, where operators ask how it is. */
import type { Config } from "../config/config.ts";
import type { Problem } from "../config/problem.ts";
import { Engine } from "../engine/engine.ts";
import type { Log } from "../log/log.io.ts";
import { History } from "../observe/history.ts";
import type { View } from "../observe/view.ts";
import { descriptorLimit } from "../system/descriptors.io.ts";
import { divideDescriptors } from "../system/descriptors.ts";
import { hostPort } from "../text/hostPort.ts";
import { openForOperators } from "./operators.ts";
import { Start } from "./start.ts";

export interface Proxy {
  /** As bound. */
  readonly port: number;
  readonly consolePort: number;
  /** Undefined without `httpport`. */
  readonly httpPort: number | undefined;
  readonly view: () => View;
  /** Takes in an exception that nothing else has caught. */
  readonly failed: (error: Error) => void;
  /** Stops receiving, sends what is batched, and closes everything. */
  readonly stop: () => Promise<void>;
}

/** Starts a proxy; or returns every problem that keeps it from starting, with nothing left open. */
export async function startProxy(config: Config, log: Log, debugMode = false): Promise<Proxy | readonly Problem[]> {
  const room = descriptorRoom(config);
  if ("message" in room) return [room];
  const start = new Start();
  const history = config.httpport === 0 ? undefined : new History();
  const engine = await Engine.open({ config, log, debugMode, history }, start);
  const operators = await openForOperators({ config, engine, history, ...room }, start);
  if (engine === undefined || operators === undefined) {
    start.close();
    return start.problems;
  }

  const { console, http } = operators;
  log.info("listening", {
    metrics: hostPort(config.host, engine.receiver.port),
    console: hostPort(config.managementhost, console.port),
    ...(http && { http: hostPort(config.httphost, http.port) }),
    nodes: config.nodes.length,
    ring: config.mirror ? "mirror" : config.ring,
  });
  engine.begin();
  return {
    port: engine.receiver.port,
    consolePort: console.port,
    httpPort: http?.port,
    view: () => engine.view(),
    failed: (error) => engine.failed(error),
    stop: async () => {
      await engine.finish();
      start.close();
    },
  };
}

/** How many connections there may be; or why there can be none, with what would help. */
function descriptorRoom({ nodes, httpport }: Config): { connectionsMax: number } | Problem {
  const limit = descriptorLimit();
  const room = divideDescriptors(limit, nodes.length, httpport === 0 ? 1 : 2);
  if ("connectionsMax" in room) return room;
  const { needed } = room;
  const raise = `raise it with ulimit -n ${needed}, or LimitNOFILE=${needed} in a systemd unit`;
  return {
    at: "nodes",
    message: `a proxy with ${nodes.length} needs ${needed} open files, and the limit is ${limit}: ${raise}`,
  };
}
