/** What a reload of a running proxy would change: a configuration beside the one in force, which its console tells. */
import { type Config, readConfig } from "../config/config.ts";
import { problemText } from "../config/problem.ts";
import { bunPlatform } from "../engine/bunPlatform.io.ts";
import { withDiscovered } from "../engine/nodesNow.ts";
import { loadFingerprint32 } from "../placement/farmhash.io.ts";
import type { LabelledRing } from "../placement/movedShare.ts";
import { placementOf } from "../placement/placementOf.ts";
import { changeSummary, summaryText } from "../proxy/changeSummary.ts";
import { hostPort } from "../text/hostPort.ts";
import type { Address } from "./address.ts";
import { ConsoleClient } from "./consoleClient.io.ts";

/** @throws Error with one line: there is no such proxy, or it tells no configuration */
export async function changeText(next: Config, { host, port }: Address): Promise<string> {
  const client = new ConsoleClient(host, port);
  try {
    const { config, errors } = readConfig(await client.ask("config json"));
    if (config === undefined)
      throw new Error(`not the configuration of a statsd-proxy (${errors.map(problemText)[0]})`);
    const rings = { before: await ringOf(config), after: await ringOf(next) };
    return `a reload of ${hostPort(host, port)} would change\n${summaryText(changeSummary(config, next, rings)).replace(/^(?=.)/gm, "  ")}`;
  } catch (error) {
    throw new Error(`${hostPort(host, port)}: ${(error as Error).message}`);
  } finally {
    client.close();
  }
}

async function ringOf(config: Config): Promise<LabelledRing | undefined> {
  if (config.mirror) return undefined;
  const { ring, nodes } = await withDiscovered(config, bunPlatform);
  return { ring: placementOf({ ring, nodes }, loadFingerprint32).full, labels: nodes.map(({ label }) => label) };
}
