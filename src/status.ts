/** What operators see over HTTP, of a cluster: the server, and the sampler behind its rates. */
import { version } from "../package.json";
import type { Cluster } from "./cluster.ts";
import type { Config } from "./core/config.ts";
import type { Desk } from "./core/console.ts";
import type { Counters } from "./core/counters.ts";
import type { History } from "./core/history.ts";
import type { WebDesk } from "./core/web.ts";
import type { Answering } from "./io/answering.ts";
import { Http } from "./io/http.ts";
import { Sampler } from "./io/sampler.ts";
import type { Start } from "./start.ts";

export interface StatusParts {
  readonly config: Config;
  readonly counters: Counters;
  readonly cluster: Cluster;
  readonly history: History;
  /** The console's: what is set there counts here. */
  readonly desk: Desk;
  readonly kernelDrops: () => number | undefined;
  readonly connectionsMax: number;
  readonly answering: Answering;
}

export async function openStatus(parts: StatusParts, start: Start): Promise<Http | undefined> {
  const { config, counters, cluster, history, desk, kernelDrops, connectionsMax, answering } = parts;
  const http = await start.listen({ host: "httphost", port: "httpport" }, config.httphost, async (host) => {
    // Loaded only here: whoever does not ask for HTTP has neither its text in memory nor, from source, its bundling.
    const { PAGE } = await import("./page/page.ts");
    const webDesk: WebDesk = {
      build: { version, bun_version: Bun.version },
      page: PAGE,
      source: () => ({
        version,
        nowMs: Date.now(),
        config,
        health: desk.health,
        view: desk.view(),
        history,
        healthChanges: cluster.healthChanges,
      }),
      whereabouts: (asked) => cluster.whereabouts(asked),
      ringPicture: (partCount) => cluster.ringPicture(partCount),
      fullShares: () => cluster.fullShares(),
    };
    return new Http({
      ...{ host, port: config.httpport, desk: webDesk, connectionsMax, answering },
      onAnswer: (code) => counters.httpRequests[code]++,
      onCut: (reason) => counters.httpCut[reason]++,
    });
  });
  if (http) await start.open("httpport", () => new Sampler(history, () => cluster.totals(kernelDrops() ?? 0)));
  return http;
}
