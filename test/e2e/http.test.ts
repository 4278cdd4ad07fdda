/** HTTP of the compiled binary, and /metrics judged by Prometheus itself. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBackends } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, send, stats } from "../support/client.ts";
import { startFlood } from "../support/flood.ts";
import { emptyFolder } from "../support/folder.ts";
import { ManagementPort } from "../support/management.ts";
import { freePort, freePorts, IPV6_HERE } from "../support/ports.ts";
import { configFile, Running, run, startProxy } from "../support/process.ts";
import { needing } from "../support/programs.ts";
import { samplesOf } from "../support/samples.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

/** What a scrape and a look at the console are bound to tell differently. */
const ALWAYS_MOVING = /^(process_|statsd_proxy_(heap|event_loop|check|http_requests))/;

test("/metrics and the console say the same", async () => {
  const { proxy, url } = await startBusyProxy();
  const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
  const figures = await stats(proxy);
  const sum = (name: string, labels: Record<string, string> = {}) => {
    const ofLabels = samples.filter(
      (sample) =>
        sample.name === `statsd_proxy_${name}` &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
    return ofLabels.reduce((total, { value }) => total + value, 0);
  };
  expect(sum("lines_received_total")).toBe(figures.lines_received);
  expect(sum("lines_rejected_total", { reason: "no_colon" })).toBe(figures["lines_rejected.no_colon"]);
  expect(sum("lines_relayed_total")).toBe(figures.lines_relayed);
  expect(sum("lines_dropped_total")).toBe(figures.lines_dropped);
  expect(sum("node_ring_share_ratio")).toBeCloseTo(1, 9);
  expect(sum("nodes_up")).toBe(3);
});

test("/stats.json and the console say the same", async () => {
  const { proxy, url } = await startBusyProxy();
  const json = (await (await fetch(`${url}/stats.json`)).json()) as {
    figures: Record<string, number>;
    nodes: { node: string; figures: Record<string, number> }[];
  };
  const moving = /lag|cpu|memory|heap|open_descriptors|check|http_requests/;
  const ofNodes = json.nodes.flatMap(({ node, figures }) =>
    Object.entries(figures).map(([name, value]) => [`node.${node}.${name}`, value] as const),
  );
  const inJson = [...Object.entries(json.figures), ...ofNodes].filter(([name]) => !moving.test(name));
  const inConsole = Object.entries(await stats(proxy)).filter(([name]) => !moving.test(name));
  expect(inJson.map(([name, value]) => [name, Number(value.toFixed(6))])).toEqual(inConsole.slice(1));
});

test("/healthz is what the console's health says", async () => {
  const { proxy, url } = await startBusyProxy();
  const status = async () => (await fetch(`${url}/healthz`)).status;
  expect(await status()).toBe(200);
  await ask(proxy, "health down");
  expect(await status()).toBe(503);
  await proxy.line("event=health_set from=up to=down");
  await ask(proxy, "health up");
  expect(await status()).toBe(200);
  await proxy.line("event=health_set from=down to=up");
});

test("/healthz is 503 while no node is up", async () => {
  const management = new ManagementPort();
  const [backend] = await openBackends(1);
  const httpport = await freePort();
  const nodes = [{ ...backend.node, managementport: management.port }];
  await startProxy({ nodes, httpport, checkInterval: 50 });
  const status = async () => (await fetch(`http://127.0.0.1:${httpport}/healthz`)).status;
  expect(await status()).toBe(200);
  management.close();
  await until("503", async () => (await status()) === 503);
  management.listen();
  await until("200", async () => (await status()) === 200);
});

test("a taken port is a problem of the start", async () => {
  const { httpport } = await startBusyProxy();
  const [backend] = await openBackends(1);
  const second = startProxy({ nodes: [backend.node], httpport });
  await expect(second).rejects.toThrow(/httpport: 127\.0\.0\.1:\d+ is in use/);
  await second.catch(() => {});
});

test("HTTP is answered while the proxy is flooded", async () => {
  const { proxy, url } = await startBusyProxy();
  const flood = await startFlood(proxy.port);
  for (const path of ["/healthz", "/metrics", "/stats.json", "/"]) {
    expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
  }
  expect((await flood.end()).outcome).toBe("ended while it was flooding");
});

test("from source the page is the same as from the binary", async () => {
  const { url } = await startBusyProxy();
  const [backend] = await openBackends(1);
  const [port, managementport, httpport] = await freePorts(3);
  const folder = emptyFolder();
  const file = configFile(folder, { host: "127.0.0.1", port, managementport, httpport, nodes: [backend.node] });
  const main = join(import.meta.dir, "..", "..", "src", "main.ts");
  await new Running([process.execPath, main, "-f", file], folder).line("event=listening");
  const pages = await Promise.all([url, `http://127.0.0.1:${httpport}`].map((origin) => fetch(`${origin}/`)));
  const [fromBinary, fromSource] = await Promise.all(pages.map((page) => page.text()));
  expect(fromSource).toBe(fromBinary);
  expect(fromSource).toContain("<title>statsd-proxy</title>");
});

test.skipIf(!IPV6_HERE)("HTTP on IPv6, where there is IPv6", async () => {
  const [backend] = await openBackends(1);
  const httpport = await freePort();
  await startProxy({ nodes: [backend.node], httpport, httphost: "::1" });
  expect((await fetch(`http://[::1]:${httpport}/healthz`)).status).toBe(200);
});

test("--check tells where the status page will be", async () => {
  const folder = emptyFolder();
  const file = configFile(folder, { httpport: 9125, nodes: [{ host: "127.0.0.1", port: 8130 }] });
  const { stdout } = await run([await binary(), "--check", "-f", file], folder);
  expect(stdout).toContain("\nstatus page at http://127.0.0.1:9125/\n");
});

test("without httpport nothing listens for HTTP, and the log does not speak of it", async () => {
  const [backend] = await openBackends(1);
  const proxy = await startProxy({ nodes: [backend.node] });
  expect(await proxy.line("event=listening")).not.toContain("http");
  expect(Object.keys(await stats(proxy))).not.toContain("event_loop_lag_seconds");
});

needing("promtool").test("promtool finds nothing to complain about", async () => {
  const { url } = await startBusyProxy();
  const folder = emptyFolder();
  writeFileSync(join(folder, "metrics"), await (await fetch(`${url}/metrics`)).text());
  expect(await run(["sh", "-c", "promtool check metrics < metrics"], folder)).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: "",
  });
});

needing("prometheus").test("Prometheus scrapes it, and counts what was sent", async () => {
  const { proxy, httpport } = await startBusyProxy();
  const port = await freePort();
  const folder = emptyFolder();
  const config = {
    global: { scrape_interval: "200ms", scrape_timeout: "200ms" },
    scrape_configs: [{ job_name: "proxy", static_configs: [{ targets: [`127.0.0.1:${httpport}`] }] }],
  };
  // Its configuration is YAML, of which JSON is a part.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  const address = `127.0.0.1:${port}`;
  new Running(
    ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=storage", `--web.listen-address=${address}`],
    folder,
  );
  const query = async (expression: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
    const response = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(
      () => undefined,
    );
    if (!response?.ok) return [];
    return ((await response.json()) as { data: { result: [] } }).data.result;
  };
  const { lines_received } = await stats(proxy);
  const counted = async (lines: number) =>
    await until(
      `${lines} lines in Prometheus`,
      async () => Number((await query("statsd_proxy_lines_received_total"))[0]?.value[1]) === lines,
      30_000,
    );
  await counted(lines_received);
  await send(proxy, ["one.more:1|c"]);
  await counted(lines_received + 1);
  expect((await query("up"))[0].value[1]).toBe("1");
  const nodes = await query("sum by (backend) (statsd_proxy_lines_relayed_total)");
  expect(nodes.length).toBe(3);
  const [build] = await query("statsd_proxy_build_info");
  expect(build.metric).toMatchObject({ job: "proxy", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  const names = new Set((await query('{job="proxy"}')).map(({ metric }) => metric.__name__));
  const own = samplesOf(await (await fetch(`http://127.0.0.1:${httpport}/metrics`)).text()).map(({ name }) => name);
  for (const name of own.filter((name) => !ALWAYS_MOVING.test(name))) expect(names).toContain(name);
});

/** A proxy that has relayed, rejected and checked something. */
async function startBusyProxy() {
  const backends = await openBackends(3);
  const [httpport] = await freePorts(1);
  const nodes = backends.map(({ node }) => ({ ...node, managementport: new ManagementPort().port }));
  const proxy = await startProxy({ nodes, httpport });
  await send(proxy, ["a:1|c\nb:1|c\nbad\nc:1|c", "d:1|x\n"]);
  await until("a check of each node", async () =>
    Object.entries(await stats(proxy)).every(([name, value]) => !name.endsWith("checks_passed") || value > 0),
  );
  return { proxy, httpport, url: `http://127.0.0.1:${httpport}` };
}
