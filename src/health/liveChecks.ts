/** Each node is asked once, for people: is it there, and does its check work? */
import { type CheckConfig, refusedText } from "../config/nodeCheck.ts";
import type { Network } from "../net/network.ts";
import type { Clock } from "../system/clock.ts";
import type { CheckResult } from "./checkPlan.ts";
import { protocolOf } from "./checkProtocol.ts";
import { timeoutMsOf } from "./checks.ts";
import { Probe } from "./probe.ts";

/** As many as a host with few descriptors can ask. */
const AT_ONCE = 32;

export interface AskedNode {
  /** What is asked where; undefined: nothing. */
  readonly check: CheckConfig | undefined;
  /** An IP address; undefined: it has none. */
  readonly host: string | undefined;
}

export interface LiveCheck {
  /** For people: `passed in 3 ms`, `failed: no answer`, `no check: not asked`. */
  readonly text: string;
  readonly isFailure: boolean;
}

interface LiveParts {
  /** Of a running proxy: it limits how long an answer may take. */
  readonly intervalMs: number;
  readonly network: Pick<Network, "connectTcp">;
  readonly clock: Clock;
  /** What else is wrong with a node that answers as a statsd does, for people. */
  readonly whatElse: (host: string, port: number) => Promise<string | undefined>;
}

/** In the order of the nodes; a few at a time. */
export async function liveChecks(nodes: readonly AskedNode[], parts: LiveParts): Promise<readonly LiveCheck[]> {
  const found: LiveCheck[] = [];
  let next = 0;
  const askOn = async () => {
    while (next < nodes.length) {
      const i = next++;
      found[i] = await liveCheck(nodes[i], parts);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOn));
  return found;
}

async function liveCheck({ check, host }: AskedNode, parts: LiveParts): Promise<LiveCheck> {
  if (check === undefined) return { text: "no check: not asked", isFailure: false };
  if (host === undefined) return { text: "failed: it has no address", isFailure: true };
  const beganMs = parts.clock.nowMs();
  const result = await answerOf(check, host, parts);
  const tookMs = Math.round(parts.clock.nowMs() - beganMs);
  if (result.outcome === "passed") {
    const wrong = check.type === "statsd" ? await parts.whatElse(host, check.port) : undefined;
    return {
      text: `passed in ${tookMs} ms${wrong === undefined ? "" : `, but ${wrong}`}`,
      isFailure: wrong !== undefined,
    };
  }
  if (result.outcome === "skipped") return { text: `could not be asked: ${result.reason}`, isFailure: true };
  const reason = result.reason === "ECONNREFUSED" ? refusedText(host, check.port) : result.reason;
  return { text: `failed: ${reason}`, isFailure: true };
}

async function answerOf(check: CheckConfig, host: string, parts: LiveParts): Promise<CheckResult> {
  const { intervalMs, network, clock } = parts;
  const protocol = protocolOf(check, host);
  const timeoutMs = timeoutMsOf(intervalMs);
  const probe = new Probe({ host, port: check.port, protocol, timeoutMs, network, clock, onEnd: () => {} });
  try {
    return await new Promise((resolve) => probe.ask(resolve));
  } finally {
    probe.close();
  }
}
