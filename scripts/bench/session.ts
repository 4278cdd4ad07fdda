/** A relay between sender and backends, ready to be shot at. */
import { Failure } from "./failure.ts";
import type { RelayCommand, RelayProcess } from "./relay.ts";
import { HOST, type Rig } from "./rig.ts";
import { canMeasure, cpuNsBetween, cpuTimes, residentBytes } from "./usage.ts";
import { NAME_PREFIX } from "./workloads.ts";

/** The result of one shot. */
export interface Shot {
  /** Actually sent. */
  readonly datagramsPerSecond: number;
  /** The sender did not keep up with the requested rate. */
  readonly senderBound: boolean;
  /** The relay's CPU time per metric that arrived; undefined if it cannot be measured, or nothing arrived. */
  readonly cpuUsPerMetric: number | undefined;
  /** Share of the metrics sent, 0 to 1. */
  readonly lost: number;
  readonly residentBytes: number | undefined;
}

const START_MS_MAX = 10_000;
/** A sender that is this much slower than requested did not keep up. */
const KEPT_UP = 0.93;

export class Session {
  private readonly rig: Rig;
  private readonly relay: RelayProcess;

  private constructor(rig: Rig, relay: RelayProcess) {
    this.rig = rig;
    this.relay = relay;
  }

  /** Starts a relay and waits until it forwards. @throws Failure if it does not */
  static async open(command: RelayCommand, rig: Rig): Promise<Session> {
    await rig.reset();
    const relay = rig.startRelay(command);
    await forwards(relay, rig);
    await rig.settled(Number.POSITIVE_INFINITY);
    return new Session(rig, relay);
  }

  /** @throws Failure if the relay dies of it */
  async shoot(datagramsPerSecond: number, seconds: number): Promise<Shot> {
    const { rig, relay } = this;
    await rig.reset();
    const before = cpuTimes(relay.pid);
    const sent = await rig.send(datagramsPerSecond, seconds);
    if (sent.metrics === 0) throw new Failure("the sender could not send anything");
    const arrived = await rig.settled(sent.metrics);
    const cpuNs = cpuNsBetween(before, cpuTimes(relay.pid));
    const resident = residentBytes(relay.pid);
    relay.mustLive();
    const rate = sent.datagrams / sent.seconds;
    return {
      datagramsPerSecond: rate,
      senderBound: rate < KEPT_UP * datagramsPerSecond,
      cpuUsPerMetric: canMeasure && arrived > 0 ? cpuNs / 1000 / arrived : undefined,
      lost: 1 - arrived / sent.metrics,
      residentBytes: canMeasure ? resident : undefined,
    };
  }

  async close(): Promise<void> {
    await this.relay.end();
  }
}

/** Sends single metrics until one comes out: with names of several owners, in case the relay considers one dead. */
async function forwards(relay: RelayProcess, rig: Rig): Promise<void> {
  const endMs = performance.now() + START_MS_MAX;
  const socket = await Bun.udpSocket({ hostname: HOST, socket: { error: () => {} } });
  try {
    for (let i = 0; (await rig.arrived()) === 0; i++) {
      relay.mustLive();
      if (performance.now() > endMs) throw relay.failure(`has not forwarded a metric in ${START_MS_MAX / 1000} s`);
      socket.send(`${NAME_PREFIX}probe.${i % 97}:1|c`, rig.port, HOST);
      await Bun.sleep(5);
    }
  } finally {
    socket.close();
  }
}
