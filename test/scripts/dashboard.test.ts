/** The dashboard for Grafana, and the metrics that it and the alerts name: a real proxy has them, and Prometheus reads them. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import dashboard from "../../scripts/dashboard.json";
import { openBackends } from "../support/backend.ts";
import { send } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePort, refusingPort } from "../support/ports.ts";
import { Running, run, startProxy } from "../support/process.ts";
import { LINUX_ONLY, needing } from "../support/programs.ts";
import { samplesOf } from "../support/samples.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const ALERTS = join(import.meta.dir, "..", "..", "scripts", "alerts.yaml");
const COLUMNS = 24;
const { panels, templating } = dashboard;
const TARGETS = panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));

test("it has what Grafana needs, and asks the data source that is chosen", () => {
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
  // Given by Grafana when it is imported.
  expect(dashboard.id).toBeNull();
  expect([dashboard.uid, dashboard.title]).toEqual(["statsd-proxy", "statsd-proxy"]);
  expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
    ["datasource", "datasource"],
    ["job", "query"],
    ["instance", "query"],
  ]);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { title, type, description, datasource, targets } of panels) {
    expect([title, type]).toEqual([
      expect.stringMatching(/./),
      expect.stringMatching(/^(stat|timeseries|state-timeline)$/),
    ]);
    expect([title, description]).toEqual([title, expect.stringMatching(/./)]);
    expect([title, targets.length > 0]).toEqual([title, true]);
    expect([title, new Set(targets.map(({ refId }) => refId)).size]).toEqual([title, targets.length]);
    for (const { datasource: ofTarget } of targets) expect([title, ofTarget]).toEqual([title, datasource]);
    expect([title, datasource]).toEqual([title, { type: "prometheus", uid: `\${datasource}` }]);
  }
});

test("its panels lie in the grid, none upon another, and leave no holes", () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => [x + (i % w), y + Math.floor(i / w)]),
  );
  for (const [x, y] of cells) expect([x, y, x >= 0 && x < COLUMNS && y >= 0]).toEqual([x, y, true]);
  expect(new Set(cells.map(String)).size).toBe(cells.length);
  expect(cells.length).toBe(COLUMNS * (1 + Math.max(...cells.map(([, y]) => y))));
});

test("every series of a panel is of the chosen job and proxy", () => {
  for (const { title, expr } of TARGETS) {
    const series = expr.match(/\b(?:statsd_proxy|process)_\w+(?:\{[^}]*\})?/g) ?? [];
    expect([title, series.length > 0]).toEqual([title, true]);
    for (const one of series) {
      expect([title, one]).toEqual([title, expect.stringContaining('{job=~"$job",instance=~"$instance"')]);
    }
  }
});

test("what its panels show has the unit of their titles", () => {
  const unitOf = (title: string) => {
    if (/^Delay/.test(title)) return "s";
    if (/^(Share|CPU)/.test(title)) return "percentunit";
    if (/^Memory/.test(title)) return "bytes";
    return /per second/.test(title) ? "short" : undefined;
  };
  for (const { title, fieldConfig } of panels) {
    const { unit }: { unit?: string } = fieldConfig.defaults;
    expect([title, unit]).toEqual([title, unitOf(title)]);
  }
});

needing("promtool").test("Prometheus can parse what its panels ask", async () => {
  const folder = emptyFolder();
  const rules = TARGETS.map(({ expr }, i) => ({ record: `panel:${i}`, expr: filledIn(expr) }));
  writeFileSync(join(folder, "rules.yaml"), JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  expect(await run(["promtool", "check", "rules", "rules.yaml"], folder)).toMatchObject({ exitCode: 0, stderr: "" });
});

// Elsewhere the kernel tells neither drops nor delays.
describe.skipIf(LINUX_ONLY !== "")(`a real proxy${LINUX_ONLY}`, () => {
  test("has every metric that dashboard and alerts name", async () => {
    const { url } = await startBusyProxy();
    const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
    const there = new Set(samples.map(({ name }) => name));
    const labels = new Set(["job", "instance", "le", ...samples.flatMap(({ labels }) => Object.keys(labels))]);
    for (const text of [JSON.stringify(dashboard), readFileSync(ALERTS, "utf8")]) {
      // But for a name within another word or a file's name.
      const named = new Set(text.match(/(?<![\w.-])(?:statsd_proxy|process)_\w+/g));
      expect(named.size).toBeGreaterThan(10);
      expect([...named].filter((name) => !there.has(name))).toEqual([]);
      const by = [...text.matchAll(/\b(?:by|on|without) \(([^)]*)\)/g)].flatMap(([, names]) => names.split(", "));
      const shown = [...text.matchAll(/\$labels\.(\w+)|\{\{(\w+)\}\}/g)].map(([, alert, legend]) => alert ?? legend);
      expect([...by, ...shown].filter((label) => !labels.has(label))).toEqual([]);
    }
  });

  needing("prometheus").test("and a real Prometheus have something to show in every panel", async () => {
    const { proxy, httpport, labels } = await startBusyProxy();
    const query = await startPrometheus(httpport);
    const shown = async (title: string, expr: string, isRight: (series: Series[]) => boolean) =>
      await until(
        `${title}: ${expr}`,
        async () => {
          await send(proxy, ["a:1|c"]);
          return isRight(await query(filledIn(expr)));
        },
        30_000,
      );
    for (const { title, expr, legendFormat } of TARGETS) {
      // A series is called by these of its labels.
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name);
      await shown(title, expr, (series) => {
        const isWhole = series.every(({ metric, value }) => value >= 0 && named.every((name) => metric[name]));
        return series.length > 0 && isWhole;
      });
    }
    const [states] = panels.filter(({ type }) => type === "state-timeline");
    await shown(states.title, states.targets[0].expr, (series) => {
      const stateOf = (label: string) => series.find(({ metric }) => metric.backend === label)?.value;
      return labels.map(stateOf).join() === "1,1,1,0";
    });
  });
});

/** A proxy that relays and rejects something, and whose last node is down. */
async function startBusyProxy() {
  const backends = await openBackends(4);
  const httpport = await freePort();
  const nodes = backends.map(({ node }) => node);
  const closed = await refusingPort();
  const proxy = await startProxy({
    nodes: [...nodes.slice(0, 3), { ...nodes[3], managementport: closed }],
    ...{ httpport, checkInterval: 100 },
  });
  await send(proxy, ["a:1|c\nb:1|c\nbad\nc:1|c"]);
  return {
    proxy,
    httpport,
    url: `http://127.0.0.1:${httpport}`,
    labels: nodes.map(({ host, port }) => `${host}:${port}`),
  };
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Scrapes the proxy. Returns a function that answers an expression with its series. */
async function startPrometheus(httpport: number): Promise<(expression: string) => Promise<Series[]>> {
  const folder = emptyFolder();
  const config = {
    global: { scrape_interval: "200ms", scrape_timeout: "200ms" },
    rule_files: [ALERTS],
    scrape_configs: [{ job_name: "statsd-proxy", static_configs: [{ targets: [`127.0.0.1:${httpport}`] }] }],
  };
  // YAML, of which JSON is a part.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  new Running(
    ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=storage", `--web.listen-address=${address}`],
    folder,
  );
  return async (expression) => {
    const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(
      () => undefined,
    );
    if (!answer?.ok) return [];
    const { data } = (await answer.json()) as {
      data: { result: { metric: Series["metric"]; value: [number, string] }[] };
    };
    return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  };
}

/** As Grafana asks when all are chosen. */
function filledIn(expr: string): string {
  return expr.replaceAll(/\$(?:job|instance)\b/g, ".*").replaceAll("$__rate_interval", "1m");
}
