/** What each station of a metric's way costs by itself, without sockets. The name tells what an iteration is. */
import { bench, group, run } from "mitata";
import exampleConfig from "../exampleConfig.json";
import { type Config, readConfig } from "../src/config/config.ts";
import { loadFingerprint32 } from "../src/placement/farmhash.io.ts";
import { locatorOf } from "../src/placement/locator.ts";
import { Placement, RING_KINDS, type RingKind } from "../src/placement/placement.ts";
import { Lines, Verdict } from "../src/protocol/line.ts";
import { Batch } from "../src/relay/batch.ts";
import { Counters, NodeCounters } from "../src/relay/counters.ts";
import { Relay, type RelayNode } from "../src/relay/relay.ts";
import { datagramsOf, NAMES, WORKLOADS, type WorkloadName } from "./bench/workloads.ts";

const config = configOf(exampleConfig);
/** In this time, a turn of a proxy that gathers sends what has arrived. */
const TURN_SECONDS = 0.01;

if (import.meta.main) await main();

async function main(): Promise<void> {
  group("scan: find, check and hash the lines of a datagram (protocol/line)", () => {
    for (const name of ["W1", "W2", "W3"] as const) scan(name);
  });
  group("route: a name to its owner (placement/locator)", () => {
    for (const ring of RING_KINDS) route(ring, "hit", config.cacheSize);
    for (const ring of RING_KINDS) route(ring, "miss", 0);
  });
  group("batch: append the lines of a datagram, shift all when it is full (relay/batch)", () => {
    for (const name of ["W1", "W3"] as const) append(name);
  });
  group("relay: a whole datagram, from lines to batches (relay/relay)", () => {
    for (const name of ["W1", "W2", "W3", "W4"] as const) relay(name);
  });
  await run();
}

function scan(name: WorkloadName): void {
  const lines = linesOf();
  const next = roundAndRound(datagramsOf(WORKLOADS[name]));
  bench(`scan ${name}: ${linesText(name)}`, () => {
    const { bytes } = next();
    lines.open(bytes, 0, bytes.length);
    let hashes = 0;
    while (lines.next() !== Verdict.end) hashes ^= lines.nameHash;
    return hashes;
  });
}

/** All names in turn, so that a CPU cache cannot hold just a few. */
function route(ring: RingKind, outcome: "hit" | "miss", cacheSize: number): void {
  const locator = locatorOf(placementOf(ring), cacheSize);
  const lines = linesOf();
  const names = datagramsOf(WORKLOADS.W1)
    .slice(0, NAMES)
    .map(({ bytes }) => {
      lines.open(bytes, 0, bytes.length);
      lines.next();
      return { bytes, end: lines.nameEnd, hash: lines.nameHash };
    });
  for (const { bytes, end, hash } of names) locator.owner(bytes, 0, end, hash);
  const next = roundAndRound(names);
  bench(`route ${outcome}, ${ring}`, () => {
    const { bytes, end, hash } = next();
    return locator.owner(bytes, 0, end, hash);
  });
}

function append(name: WorkloadName): void {
  const batch = new Batch(config.maxDatagramBytes);
  const next = roundAndRound(datagramsOf(WORKLOADS[name]));
  bench(`append and shift ${name}: ${linesText(name)}`, () => {
    const { bytes, metrics } = next();
    if (batch.append(bytes, 0, bytes.length, metrics) < bytes.length) batch.shift(batch.datagrams);
  });
}

function relay(name: WorkloadName): void {
  const { mirror, datagramsPerSecond } = WORKLOADS[name];
  const nodes = config.nodes.map(({ label }): RelayNode => {
    const batch = new Batch(config.maxDatagramBytes);
    const send = () => void batch.shift(batch.views().length);
    return { label, batch, counters: new NodeCounters(), isUp: true, send };
  });
  const relay = new Relay({
    lines: linesOf(),
    locator: mirror ? undefined : locatorOf(placementOf(config.ring), config.cacheSize),
    nodes,
    counters: new Counters(),
  });
  const next = roundAndRound(datagramsOf(WORKLOADS[name]));
  const datagramsOfTurn = datagramsPerSecond * TURN_SECONDS;
  let datagrams = 0;
  bench(`relay ${name}: ${linesText(name)}${mirror ? ", mirrored" : ""}`, () => {
    const { bytes } = next();
    relay.datagram(bytes, 0, bytes.length);
    if (++datagrams % datagramsOfTurn === 0) relay.flush();
  });
}

function linesOf(): Lines {
  return new Lines(config.types, 1);
}

function placementOf(ring: RingKind): Placement {
  return new Placement(ring, config.nodes, loadFingerprint32());
}

function linesText(name: WorkloadName): string {
  const datagrams = datagramsOf(WORKLOADS[name]);
  const lines = datagrams.reduce((sum, { metrics }) => sum + metrics, 0) / datagrams.length;
  return lines === 1 ? "1 line" : `${lines.toFixed(0)} lines`;
}

/** A function that returns one after the other, and starts again at the end. */
function roundAndRound<T>(list: readonly T[]): () => T {
  let at = -1;
  return () => {
    at = at + 1 === list.length ? 0 : at + 1;
    return list[at];
  };
}

/** The example configuration, with defaults for everything else. */
function configOf(example: object): Config {
  const { config } = readConfig(JSON.stringify(example));
  if (config === undefined) throw new Error("the example configuration is wrong");
  return config;
}
