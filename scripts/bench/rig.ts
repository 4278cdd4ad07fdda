/** The surroundings of a relay for one workload: sender, backends, and the configuration that every relay gets. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BackendPorts, BackendsStats } from "./backends.ts";
import { Partner } from "./partner.ts";
import type { Pinning } from "./pinning.ts";
import { freePort } from "./ports.ts";
import { type RelayCommand, RelayProcess } from "./relay.ts";
import type { SendReport } from "./sender.ts";
import { WORKLOADS, type WorkloadName } from "./workloads.ts";

export const HOST = "127.0.0.1";
const ANSWER_MS_MAX = 10_000;
/** If nothing has arrived for this long, nothing more will. */
const QUIET_MS = 300;
const SETTLE_MS_MAX = 10_000;

export interface RigParts {
  readonly workload: WorkloadName;
  readonly backendCount: number;
  readonly pinning: Pinning;
  /** For the configuration and the relay's output. */
  readonly folder: string;
}

export class Rig {
  /** Where the relay receives metrics (UDP). */
  readonly port: number;
  private readonly parts: RigParts;
  private readonly backends: Partner;
  private readonly sender: Partner;
  private readonly configFile: string;

  private constructor(parts: RigParts, backends: Partner, nodes: readonly BackendPorts[], ports: readonly number[]) {
    const { workload, pinning, folder } = parts;
    const [port, managementport] = ports;
    this.port = port;
    this.parts = parts;
    this.backends = backends;
    this.sender = new Partner("sender", [...pinning.rest, ...bun("sender.ts", `${port}`, workload)]);
    this.configFile = join(folder, "config.json");
    // With keys of both go-statsd-proxy and Etsy's proxy.js, so that both can read it.
    const config = {
      nodes: nodes.map((node) => ({ host: HOST, ...node, adminport: node.managementport })),
      host: HOST,
      port,
      managementhost: HOST,
      managementport,
      mgmt_address: HOST,
      mgmt_port: managementport,
      checkInterval: 1000,
      mirror: WORKLOADS[workload].mirror,
    };
    writeFileSync(this.configFile, JSON.stringify(config, undefined, 1));
  }

  static async open(parts: RigParts): Promise<Rig> {
    const command = [...parts.pinning.rest, ...bun("backends.ts", `${parts.backendCount}`)];
    const backends = new Partner("process of the backends", command);
    const nodes = await backends.answer<BackendPorts[]>(ANSWER_MS_MAX);
    return new Rig(parts, backends, nodes, [await freePort(), await freePort()]);
  }

  startRelay(command: RelayCommand): RelayProcess {
    return new RelayProcess(command, this.parts.pinning.relay, this.configFile, this.parts.folder);
  }

  async send(datagramsPerSecond: number, seconds: number): Promise<SendReport> {
    return await this.sender.ask(`${datagramsPerSecond} ${seconds}`, seconds * 1000 + ANSWER_MS_MAX);
  }

  async reset(): Promise<void> {
    await this.backends.ask("reset", ANSWER_MS_MAX);
  }

  /** Metrics received since the last reset; a mirrored one counts once. */
  async arrived(): Promise<number> {
    const { metrics } = await this.backends.ask<BackendsStats>("stats", ANSWER_MS_MAX);
    return WORKLOADS[this.parts.workload].mirror ? metrics / this.parts.backendCount : metrics;
  }

  /** Waits until this many metrics have arrived, or no more come. Returns how many have. */
  async settled(expected: number): Promise<number> {
    const startMs = performance.now();
    let changedAtMs = startMs;
    let last = -1;
    for (;;) {
      const metrics = await this.arrived();
      const nowMs = performance.now();
      if (metrics !== last) changedAtMs = nowMs;
      last = metrics;
      if (metrics >= expected || nowMs - changedAtMs > QUIET_MS || nowMs - startMs > SETTLE_MS_MAX) return metrics;
      await Bun.sleep(20);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.sender.end(), this.backends.end()]);
  }
}

function bun(script: string, ...args: string[]): string[] {
  return [process.execPath, join(import.meta.dir, script), ...args];
}
