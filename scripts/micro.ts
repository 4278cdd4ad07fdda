/** What each station of a metric's way costs by itself, without sockets. The name tells what an iteration is. */

import { fingerprint32 as addons } from "farmhash";
import { bench, group, run } from "mitata";
import exampleConfig from "../exampleConfig.json";
import { type Config, readConfig } from "../src/config/config.ts";
import { loadFingerprint32 } from "../src/placement/farmhash.io.ts";
import { fingerprint32 } from "../src/placement/fingerprint32.ts";
import { locatorOf } from "../src/placement/locator.ts";
import { Placement, type RingKind } from "../src/placement/placement.ts";
import { ownerAt } from "../src/placement/ring.ts";
import { RingIndex } from "../src/placement/ringIndex.ts";
import { Lines, Verdict } from "../src/protocol/line.ts";
import { Batch } from "../src/relay/batch.ts";
import { Counters, NodeCounters } from "../src/relay/counters.ts";
import { Relay, type RelayNode } from "../src/relay/relay.ts";
import { datagramsOf, NAMES, WORKLOADS, type WorkloadName } from "./bench/workloads.ts";

const config = configOf(exampleConfig);
/** The rings that have a cache. */
const CACHED_KINDS = ["etsy", "ketama"] as const;
/** In this time, a turn of a proxy that gathers sends what has arrived. */
const TURN_SECONDS = 0.01;

if (import.meta.main) await main();

async function main(): Promise<void> {
  group("scan: find and check the lines of a datagram (protocol/line)", () => {
    for (const name of ["W1", "W2", "W3"] as const) scan(name, false);
    for (const name of ["W1", "W3"] as const) scan(name, true);
  });
  group("hash: a name to its position (placement/fingerprint32)", hash);
  group("ring: a position to its owner (placement/ringIndex)", () => {
    for (const nodes of [3, 64, 500]) ring(nodes);
  });
  group("route: a name to its owner (placement/locator)", () => {
    route("farmhash", "no cache", 0);
    for (const ring of CACHED_KINDS) route(ring, "hit", config.cacheSize);
    for (const ring of CACHED_KINDS) route(ring, "miss", 0);
  });
  group("batch: append the lines of a datagram, shift all when it is full (relay/batch)", () => {
    for (const name of ["W1", "W3"] as const) append(name);
  });
  group("relay: a whole datagram, from lines to batches (relay/relay)", () => {
    for (const name of ["W1", "W2", "W3", "W4"] as const) relay(name);
  });
  await run();
}

function scan(name: WorkloadName, isHashing: boolean): void {
  const lines = linesOf(isHashing);
  const next = roundAndRound(datagramsOf(WORKLOADS[name]));
  bench(`scan ${name}: ${linesText(name)}${isHashing ? ", names hashed for a cache" : ""}`, () => {
    const { bytes } = next();
    lines.open(bytes, 0, bytes.length);
    let hashes = 0;
    while (lines.next() !== Verdict.end) hashes ^= lines.nameHash;
    return hashes;
  });
}

interface Name {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

/** All names, in one buffer as bulk reads bring them, so that a CPU cache cannot hold just a few. */
function allNames(): Name[] {
  const datagrams = datagramsOf(WORKLOADS.W1).slice(0, NAMES);
  const bytes = Buffer.concat(datagrams.flatMap((datagram) => [datagram.bytes, Buffer.from("\n")]));
  const lines = linesOf(true);
  lines.open(bytes, 0, bytes.length);
  return datagrams.map(() => {
    lines.next();
    return { bytes, start: lines.nameStart, end: lines.nameEnd, hash: lines.nameHash };
  });
}

function hash(): void {
  const names = allNames();
  const meanBytes = Math.round(names.reduce((sum, { start, end }) => sum + end - start, 0) / names.length);
  const next = roundAndRound(names);
  bench(`fingerprint32, a name of ${meanBytes} bytes`, () => {
    const { bytes, start, end } = next();
    return fingerprint32(bytes, start, end);
  });
  bench("the farmhash addon's", () => {
    const { bytes, start, end } = next();
    return addons(bytes.subarray(start, end));
  });
}

function ring(count: number): void {
  const nodes = Array.from({ length: count }, (_, i) => ({ label: `10.0.${i >> 8}.${i & 255}:8125`, weight: 1 }));
  const { full } = new Placement("farmhash", nodes, loadFingerprint32());
  const index = new RingIndex(full);
  const next = roundAndRound(allNames().map(({ bytes, start, end }) => fingerprint32(bytes, start, end)));
  bench(`by the index, ${count} nodes`, () => index.ownerAt(next()));
  bench(`by a search of the points, ${count} nodes`, () => ownerAt(full, next()));
}

function route(ring: RingKind, outcome: "no cache" | "hit" | "miss", cacheSize: number): void {
  const locator = locatorOf(placementOf(ring), cacheSize);
  const names = allNames();
  for (const { bytes, start, end, hash } of names) locator.owner(bytes, start, end, hash);
  const next = roundAndRound(names);
  bench(`route ${outcome}, ${ring}`, () => {
    const { bytes, start, end, hash } = next();
    return locator.owner(bytes, start, end, hash);
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
    onFailure: (error) => {
      throw error;
    },
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

function linesOf(isHashing = false): Lines {
  return new Lines(config.types, isHashing ? 1 : undefined);
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
