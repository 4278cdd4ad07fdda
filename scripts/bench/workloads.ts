/** What is sent: four kinds of traffic, each with the same bytes in every run. */

export const WORKLOADS = {
  W1: { what: "1 metric a datagram", metricsPerDatagram: 1, datagramsPerSecond: 10_000, mirror: false },
  W2: { what: "10 metrics a datagram", metricsPerDatagram: 10, datagramsPerSecond: 2_000, mirror: false },
  W3: { what: "datagrams filled to 1432 bytes", metricsPerDatagram: 0, datagramsPerSecond: 600, mirror: false },
  W4: { what: "1 metric a datagram, mirrored", metricsPerDatagram: 1, datagramsPerSecond: 10_000, mirror: true },
} as const satisfies Record<string, Workload>;
export type WorkloadName = keyof typeof WORKLOADS;

interface Workload {
  readonly what: string;
  /** 0: as many as fit. */
  readonly metricsPerDatagram: number;
  readonly datagramsPerSecond: number;
  /** Every metric goes to every backend. */
  readonly mirror: boolean;
}

export interface Datagram {
  readonly bytes: Buffer;
  readonly metrics: number;
}

export const NAMES = 10_000;
/** The prefix of all names: backends count only these, in case a relay sends metrics of its own. */
export const NAME_PREFIX = "app.";

const DATAGRAM_BYTES_MAX = 1432;
/** How often every name occurs before the datagrams repeat, each time with another value. */
const ROUNDS = 4;

const SERVICES = ["checkout", "search", "auth", "cart", "mail", "feed", "billing", "media"];
const PARTS = ["http", "db.postgres", "cache.redis", "queue.worker", "rpc", "disk"];
const LEAVES = [
  ...["requests", "response_time", "errors.5xx", "latency", "bytes_sent"],
  ...["connections.active", "jobs.done", "hits", "misses", "unique_users"],
];

type Random = (below: number) => number;

/**
 * The datagrams of a workload, to be sent in a cycle: whole permutations of the names, so that all are equally
 * frequent.
 */
export function datagramsOf({ metricsPerDatagram }: Pick<Workload, "metricsPerDatagram">): Datagram[] {
  const random = randomFrom(1);
  const metrics = Array.from({ length: NAMES }, (_, i) => ({ name: nameOf(i, random), type: typeOf(random) }));
  const datagrams: Datagram[] = [];
  let lines: string[] = [];
  let length = 0;
  const end = () => {
    datagrams.push({ bytes: Buffer.from(lines.join("\n"), "latin1"), metrics: lines.length });
    lines = [];
    length = 0;
  };
  for (let round = 0; round < ROUNDS; round++) {
    shuffle(metrics, random);
    for (const { name, type } of metrics) {
      const line = `${name}:${valueText(type, random)}|${type}${sampleRateText(type, random)}`;
      const full = lines.length === metricsPerDatagram || length + 1 + line.length > DATAGRAM_BYTES_MAX;
      if (lines.length > 0 && full) end();
      length += line.length + (lines.length > 0 ? 1 : 0);
      lines.push(line);
    }
  }
  end();
  return datagrams;
}

/** 20 to 60 characters, such as "app.checkout.web-017.http.response_time.42". */
function nameOf(number: number, random: Random): string {
  const host = `web-${String(random(200)).padStart(3, "0")}`;
  return `${NAME_PREFIX}${pick(SERVICES, random)}.${host}.${pick(PARTS, random)}.${pick(LEAVES, random)}.${number}`;
}

/** 60% counters, 25% timers, 10% gauges, 5% sets. */
function typeOf(random: Random): string {
  const percent = random(100);
  if (percent < 60) return "c";
  if (percent < 85) return "ms";
  return percent < 95 ? "g" : "s";
}

function valueText(type: string, random: Random): string {
  if (type === "c") return `${1 + random(9)}`;
  if (type === "ms") return `${random(900)}.${random(10)}`;
  if (type === "g") return `${random(5) === 0 ? "+" : ""}${random(100_000)}`;
  return `${random(100_000)}`;
}

/** A fifth of the counters and timers are sampled. */
function sampleRateText(type: string, random: Random): string {
  return (type === "c" || type === "ms") && random(5) === 0 ? `|@0.${1 + random(9)}` : "";
}

function pick(list: readonly string[], random: Random): string {
  return list[random(list.length)];
}

function shuffle<T>(list: T[], random: Random): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
}

/** The same numbers for the same seed (splitmix32). */
function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return Math.floor((((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32) * below);
  };
}
