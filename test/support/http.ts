/** An HTTP server with fixed figures to serve. */
import { onTestFinished } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import type { HttpContext } from "../../src/http/answers.ts";
import { Http } from "../../src/http/session.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import type { Network } from "../../src/net/network.ts";
import { History } from "../../src/observe/history.ts";
import type { ConfigView } from "../../src/observe/view.ts";
import type { Destination } from "../../src/placement/destination.ts";
import { AnswerScheduler } from "../../src/server/answerScheduler.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock } from "../../src/system/clock.ts";
import { CONNECTIONS_MAX } from "../../src/system/descriptors.ts";
import { BENCH_LABELS, RelayBench } from "./relayBench.ts";
import { IDENTITY } from "./viewParts.ts";

interface OpenHttpOptions {
  /** What the nodes' names begin with. */
  readonly prefix?: string;
  /** Copies of one. */
  readonly nodes?: number;
  readonly connectionsMax?: number;
  readonly idleSeconds?: number;
  readonly health?: "up" | "down";
  readonly isUp?: boolean;
  /** Why the last reload failed. */
  readonly reloadFailure?: string;
  readonly port?: number;
  /** Default: the system's. */
  readonly network?: Network;
  readonly clock?: Clock;
}

/** @throws what Http throws, if the port is taken */
export function openHttp({
  prefix = "",
  health = "up",
  isUp = true,
  reloadFailure,
  port = 0,
  nodes: count,
  ...parts
}: OpenHttpOptions = {}) {
  const { network = bunNetwork, clock = systemClock, ...limits } = parts;
  const labels = count === undefined ? BENCH_LABELS : Array.from({ length: count }, (_, i) => `127.0.0.1:${i + 1}`);
  const nodes = labels.map((label) => {
    const [host, port] = label.split(":");
    return { host, port: Number(port), managementport: 1 };
  });
  const { config } = readConfig(JSON.stringify({ nodes }));
  if (config === undefined) throw new Error("the configuration is good");
  const bench = new RelayBench({});
  bench.receive("a:1|c\nbad");
  const history = new History();
  const totals = { received: 0, relayed: 0, rejected: 0, dropped: 0, kernel_drops: 0, nodes: [0, 0, 0] };
  [0, 5, 11].forEach((received, i) => {
    history.record(i * 1000, i * 1000 + 1, 0, { ...totals, received });
  });
  let failing = false;
  const badly = () => {
    throw new Error("a programmer's");
  };
  const asked: string[] = [];
  const [now, allUp] = labels;
  const routed: Destination = { kind: "routed", nameStart: 0, nameEnd: 3, position: 0.25, now, allUp };
  const context: HttpContext = {
    build: { version: "1.2.3" },
    page: { html: "<!doctype html>", contentSecurityPolicy: "default-src 'self'" },
    source: () => ({
      ...(failing ? badly() : {}),
      ...IDENTITY,
      nowMs: 9000,
      config,
      health,
      view: {
        ...bench.view(),
        ...(reloadFailure === undefined ? {} : { configuration: failedConfig(reloadFailure) }),
        nodes: labels.map((label, i) => ({ ...bench.view().nodes[i % 3], label: prefix + label, isUp })),
      },
      healthChanges: [
        { atMs: 5000, node: labels[1], isUp: false, failure: "ECONNREFUSED", lastedMs: 1000, moved: undefined },
        { atMs: 7000, node: labels[1], isUp: true, failure: undefined, lastedMs: 1000, moved: undefined },
      ],
    }),
    history,
    destinationOf: (name) => {
      asked.push(name.toString());
      return routed;
    },
  };
  const codes: number[] = [];
  const cuts: string[] = [];
  const errors: Error[] = [];
  const scheduler = new AnswerScheduler(clock, (error) => void errors.push(error));
  const http = new Http({
    ...{ host: "127.0.0.1", port, context, scheduler, connectionsMax: CONNECTIONS_MAX, ...limits },
    ...{ network, clock },
    onAnswer: (code) => void codes.push(code),
    onCut: (reason) => void cuts.push(reason),
  });
  onTestFinished(() => http.close());
  const fail = () => {
    failing = true;
  };
  return { port: http.port, url: `http://127.0.0.1:${http.port}`, asked, codes, cuts, errors, fail };
}

function failedConfig(reason: string): ConfigView {
  const lastFailure = { atSeconds: 8, cause: "file", reasons: [reason] };
  return { hash: "0123456789ab", loadedAtSeconds: 1, isLatest: false, lastFailure };
}
