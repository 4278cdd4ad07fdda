/** The same situation on every surface of the compiled binary: they must all tell the same line. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import type { StatusJson } from "../../src/observe/statusJson.ts";
import { openBackends } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { CHROMIUM, openBrowser, Visit } from "../support/browser.ts";
import { endOfFile } from "../support/cleanUp.ts";
import { ask } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { ManagementPort } from "../support/management.ts";
import { freePort } from "../support/ports.ts";
import { type RunningProxy, run, startProxy } from "../support/process.ts";
import { needing } from "../support/programs.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const atEnd = endOfFile();

async function start() {
  const backends = await openBackends(3);
  const managements = backends.map(() => new ManagementPort());
  const httpport = await freePort();
  const nodes = backends.map(({ node }, i) => ({ ...node, managementport: managements[i].port }));
  const proxy = await startProxy({ nodes, httpport, checkInterval: 100 });
  return { proxy, managements, backends, url: `http://127.0.0.1:${httpport}` };
}

/** The line, by surface. */
async function told(proxy: RunningProxy, url: string) {
  const { verdict } = (await (await fetch(`${url}/stats.json`)).json()) as StatusJson;
  const top = await run(
    [await binary(), "top", String(proxy.consolePort), "--plain", "-n", "1", "-i", "0.05"],
    emptyFolder(),
  );
  return {
    json: verdict.line,
    healthz: (await (await fetch(`${url}/healthz`)).text()).match(/^verdict: (.*)$/m)?.[1] ?? "",
    console: (await ask(proxy, "status")).match(/^verdict: (.*)$/m)?.[1] ?? "",
    top: top.stdout.split("\n")[2],
  };
}

/** The states that it is in, by the metrics. */
async function states(url: string): Promise<readonly string[]> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const isHealthy = text.includes("\nstatsd_proxy_healthy 1\n") ? ["healthy"] : [];
  return [...isHealthy, ...[...text.matchAll(/^statsd_proxy_verdict\{state="(\w+)"\} 1$/gm)].map(([, state]) => state)];
}

async function allTell(proxy: RunningProxy, url: string, line: RegExp): Promise<string> {
  const verdict = async () => ((await (await fetch(`${url}/stats.json`)).json()) as StatusJson).verdict.line;
  await until(`a verdict like ${line}`, async () => line.test(await verdict()));
  const { top, ...lines } = await told(proxy, url);
  expect(new Set(Object.values(lines)), JSON.stringify(lines)).toHaveLength(1);
  // It has room for the others.
  expect(top).toBe(lines.json.replace(/ \(and \d+ more\)$/, ""));
  return lines.json;
}

test("console, HTTP, top, log and metrics tell one line, and again when it is over", async () => {
  const { proxy, managements, backends, url } = await start();
  await allTell(proxy, url, /^ok: all 3 nodes up, nothing lost since the start$/);
  expect(await states(url)).toEqual(["healthy", "ok"]);
  managements[1].close();
  const label = `127.0.0.1:${backends[1].port}`;
  const down = new RegExp(
    `^warning: 1 of 3 nodes down since \\d\\d:\\d\\d:\\d\\d UTC, \\d+(\\.\\d)?% of the names moved: ${label} \\(check statsd at port ${managements[1].port}: [^:]+\\): start it, or see why its check fails$`,
  );
  const line = await allTell(proxy, url, down);
  expect(await states(url)).toEqual(["warning"]);
  expect(await proxy.line("event=verdict")).toContain(`level=warn event=verdict line="${line.split(" (")[0]}`);
  expect(await proxy.line("event=node_down")).toMatch(
    /nodes_up=2 nodes=3 names_moved_percent=[\d.]+ shares="127\.0\.0\.1:\d+ \+[\d.]+%, 127\.0\.0\.1:\d+ \+[\d.]+%"/,
  );
  await ask(proxy, "health down");
  await allTell(proxy, url, /^drained at .* UTC by health down: health up ends it \(and 1 more\)$/);
  await ask(proxy, "health up");
  managements[1].listen();
  await allTell(proxy, url, /^ok: /);
  expect(await states(url)).toEqual(["healthy", "ok"]);
});

needing(CHROMIUM).describe("the page", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser(atEnd);
  });

  test("tells the same line, also as its title; and that a proxy that hangs does not answer", async () => {
    const { proxy, managements, url } = await start();
    const visit = await Visit.begin(browser, url);
    const shown = async () => (await visit.page.locator("#health").textContent()) ?? "";
    managements[0].close();
    const line = await allTell(proxy, url, /^warning: 1 of 3 nodes down/);
    await until("the line", async () => (await shown()) === `▲ ${line}`);
    expect(await visit.page.title()).toStartWith(`▲ ${line} · statsd-proxy `);
    const age = async () => Number((await shown()).match(/no answer for (\d+) s/)?.[1] ?? 0);
    const since = async () => await visit.page.locator("tbody td[data-label=State] .sub").first().textContent();
    process.kill(proxy.pid, "SIGSTOP");
    try {
      await until("no answer", async () => (await age()) >= 3);
      const [ageBefore, sinceBefore] = [await age(), await since()];
      await visit.screenshot("hanging");
      await until("ages that go on", async () => (await age()) > ageBefore && (await since()) !== sinceBefore);
      expect(await visit.page.title()).toStartWith("✕ no answer for ");
      expect(await visit.page.locator("body.stale #stale").isVisible()).toBe(true);
    } finally {
      process.kill(proxy.pid, "SIGCONT");
    }
    // That it hung is a trouble, too.
    await until("the line again", async () => (await shown()).startsWith("▲ warning: 1 of 3 nodes down"));
    expect(await visit.page.locator("#stale").isVisible()).toBe(false);
  });
});
