/** What a reload of a running proxy would change: a configuration beside the one in force, which its console tells. */
import { type Config, readConfig } from "../config/config.ts";
import { bunPlatform } from "../engine/bunPlatform.io.ts";
import { nodesNow, withNodes } from "../engine/nodesNow.ts";
import type { WantedNode } from "../engine/wantedNodes.ts";
import { loadFingerprint32 } from "../placement/farmhash.io.ts";
import type { LabelledRing } from "../placement/movedShare.ts";
import { placementOf } from "../placement/placementOf.ts";
import { type ChangeSummary, changeSummary, summaryLines } from "../proxy/changeSummary.ts";
import { hostPort } from "../text/hostPort.ts";
import type { Address } from "./address.ts";
import { ConsoleClient, NO_CONSOLE } from "./consoleClient.io.ts";
import { NOT_TRIED } from "./plan.ts";

/**
 * @param nodes that the next configuration means now
 * @throws Error with one line: there is no such proxy, or it tells no configuration
 */
export async function changeText(next: Config, nodes: readonly WantedNode[], { host, port }: Address): Promise<string> {
  const client = new ConsoleClient(host, port);
  try {
    const { config } = readConfig(await client.ask("config json"));
    if (config === undefined) throw new Error(NO_CONSOLE);
    const before = config.mirror ? [] : (await nodesNow(config, bunPlatform)).nodes;
    const rings = { before: ringOf(config, before), after: ringOf(next, nodes) };
    const what = changeListText(changeSummary(config, next, rings));
    return `a reload of ${hostPort(host, port)} would change${what}${NOT_TRIED}\n`;
  } catch (error) {
    throw new Error(`${hostPort(host, port)}: ${(error as Error).message}`);
  } finally {
    client.close();
  }
}

function changeListText(summary: ChangeSummary): string {
  const lines = summaryLines(summary);
  return lines.length === 0 ? " nothing\n" : `\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function ringOf(config: Config, now: readonly WantedNode[]): LabelledRing | undefined {
  if (config.mirror) return undefined;
  const { ring, nodes } = withNodes(config, now);
  return { ring: placementOf({ ring, nodes }, loadFingerprint32).full, labels: nodes.map(({ label }) => label) };
}
