/** The alerts for Prometheus: promtool evaluates each rule over series that it is for, and over some that it is not. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyFolder } from "../support/folder.ts";
import { run } from "../support/process.ts";
import { needing } from "../support/programs.ts";

setDefaultTimeout(60_000);

/** Their values, minute by minute: `0x5` is 0 and five times more, `0+2x5` grows by 2. */
type Series = Readonly<Record<string, string>>;

interface Case {
  /** After `at` the alert fires, with this said of it. */
  readonly fires: Series;
  readonly at: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
  /** After the same time it does not. */
  readonly quiet: Series;
}

const FILE = join(import.meta.dir, "..", "..", "scripts", "alerts.yaml");
const RULES = rulesOf(readFileSync(FILE, "utf8"));
/** Of one proxy and its backend, as Prometheus has them. */
const PROXY = 'job="statsd-proxy",instance="p:9125"';
const BACKEND = `${PROXY},backend="b:8125"`;
const OF_PROXY = { job: "statsd-proxy", instance: "p:9125" };
const OF_BACKEND = { ...OF_PROXY, backend: "b:8125" };

const CASES: Readonly<Record<string, Case>> = {
  StatsdProxyUnreachable: {
    fires: { [`up{${PROXY}}`]: "1 0x5" },
    at: "4m",
    labels: OF_PROXY,
    summary: "p:9125 does not answer Prometheus",
    quiet: { [`up{${PROXY}}`]: "1 1 1 0x5" },
  },
  StatsdProxyAbsent: {
    fires: { 'up{job="another"}': "1x10" },
    at: "5m",
    labels: { job: "statsd-proxy" },
    summary: "Prometheus knows no statsd-proxy",
    quiet: { [`up{${PROXY}}`]: "0x10" },
  },
  StatsdProxyNoBackendUp: {
    fires: { [`statsd_proxy_nodes_up{${PROXY}}`]: "2 0x5" },
    at: "2m",
    labels: OF_PROXY,
    summary: "p:9125 has no backend that is up: every line is dropped",
    quiet: { [`statsd_proxy_nodes_up{${PROXY}}`]: "2 1x5", 'statsd_proxy_nodes_up{instance="short"}': "2 2 0x5" },
  },
  StatsdProxyBackendDown: {
    fires: { [`statsd_proxy_node_up{${BACKEND}}`]: "1 0x5", [`statsd_proxy_node_set_aside{${BACKEND}}`]: "0x6" },
    at: "3m",
    labels: OF_BACKEND,
    summary: "backend b:8125 is down for p:9125",
    quiet: {
      [`statsd_proxy_node_up{${BACKEND}}`]: "1 0x5",
      [`statsd_proxy_node_set_aside{${BACKEND}}`]: "0 1x5",
      'statsd_proxy_node_up{backend="short"}': "1 1 0x5",
    },
  },
  StatsdProxyBackendFlapping: {
    fires: { [`statsd_proxy_node_state_changes_total{${BACKEND}}`]: "0+1x10" },
    at: "10m",
    labels: OF_BACKEND,
    summary: "backend b:8125 keeps going down and coming back for p:9125",
    quiet: { [`statsd_proxy_node_state_changes_total{${BACKEND}}`]: "0 0 1 2 3 4x6" },
  },
  StatsdProxyBackendSetAside: {
    fires: { [`statsd_proxy_node_set_aside{${BACKEND}}`]: "1x70" },
    at: "61m",
    labels: OF_BACKEND,
    summary: "backend b:8125 has been taken out of p:9125 for an hour",
    quiet: { [`statsd_proxy_node_set_aside{${BACKEND}}`]: "0 0 1x70" },
  },
  StatsdProxySetDown: {
    fires: { [`statsd_proxy_set_down{${PROXY}}`]: "1x70" },
    at: "61m",
    labels: OF_PROXY,
    summary: "p:9125 has been set down for an hour",
    quiet: { [`statsd_proxy_set_down{${PROXY}}`]: "0 0 1x70" },
  },
  StatsdProxyDroppingLines: {
    fires: { [`statsd_proxy_lines_dropped_total{${BACKEND},reason="held"}`]: "0+20x10" },
    at: "10m",
    labels: { ...OF_BACKEND, reason: "held" },
    summary: "p:9125 dropped 100 lines within 5 minutes for backend b:8125: held",
    // A node is removed, and its counter is added to those of others that were.
    quiet: {
      [`statsd_proxy_lines_dropped_total{${BACKEND},reason="held"}`]: "900x2 _x8",
      [`statsd_proxy_lines_dropped_total{${PROXY},backend="",reason="held"}`]: "50x5 950x5",
    },
  },
  StatsdProxyKernelDrops: {
    fires: { [`statsd_proxy_kernel_drops_total{${PROXY}}`]: "7+3x10" },
    at: "10m",
    labels: OF_PROXY,
    summary: "the kernel dropped 15 datagrams within 5 minutes before p:9125 could read them",
    quiet: { [`statsd_proxy_kernel_drops_total{${PROXY}}`]: "7x10" },
  },
  StatsdProxyLinesRefused: {
    fires: { [`statsd_proxy_lines_refused_total{${BACKEND}}`]: "0+1x10" },
    at: "10m",
    labels: OF_BACKEND,
    summary: "backend b:8125 refused 5 or more lines of p:9125 within 5 minutes",
    quiet: {
      [`statsd_proxy_lines_refused_total{${BACKEND}}`]: "4x10",
      [`statsd_proxy_lines_refused_total{${PROXY},backend=""}`]: "1x5 5x5",
    },
  },
  StatsdProxySendingFails: {
    fires: { [`statsd_proxy_send_errors_total{${BACKEND}}`]: "0+60x10" },
    at: "10m",
    labels: OF_BACKEND,
    summary: "p:9125 cannot send to backend b:8125",
    // The machine's address changed: the socket was opened anew, and nothing was lost.
    quiet: { [`statsd_proxy_send_errors_total{${BACKEND}}`]: "0x5 2x5" },
  },
  StatsdProxyManyLinesRejected: {
    fires: {
      [`statsd_proxy_lines_rejected_total{${PROXY},reason="no_colon"}`]: "0+10x20",
      [`statsd_proxy_lines_rejected_total{${PROXY},reason="no_pipe"}`]: "0+10x20",
      [`statsd_proxy_lines_received_total{${PROXY}}`]: "0+100x20",
    },
    at: "15m",
    labels: OF_PROXY,
    summary: "20% of the lines that p:9125 receives are no metrics",
    quiet: {
      [`statsd_proxy_lines_rejected_total{${PROXY},reason="no_colon"}`]: "0+9x20",
      [`statsd_proxy_lines_received_total{${PROXY}}`]: "0+100x20",
    },
  },
  StatsdProxyKeepsLosing: {
    fires: {
      [`statsd_proxy_verdict{${PROXY},state="losing"}`]: "0 1 1 1 0x3 1x10",
      [`statsd_proxy_verdict{${PROXY},state="critical"}`]: "0 0 0 0 1x3 0x10",
    },
    at: "12m",
    labels: OF_PROXY,
    summary: "p:9125 has been losing metrics for 10 minutes, and goes on",
    quiet: {
      [`statsd_proxy_verdict{${PROXY},state="losing"}`]: "0 1x5 0 1x10",
      [`statsd_proxy_verdict{${PROXY},state="warning"}`]: "1x20",
    },
  },
  StatsdProxyLoop: {
    fires: { [`statsd_proxy_loop{${PROXY}}`]: "0 1" },
    at: "1m",
    labels: OF_PROXY,
    summary: "what arrives at p:9125 follows what it sends, as in a loop",
    quiet: { [`statsd_proxy_loop{${PROXY}}`]: "1 0" },
  },
  StatsdProxyConfigDrift: {
    fires: { [infoOf("p", "aaa")]: "1x20", [infoOf("q", "bbb")]: "1x20", [infoOf("r", "bbb")]: "1x20" },
    at: "16m",
    labels: { job: "statsd-proxy" },
    summary: "the proxies of job statsd-proxy run with 2 different configurations",
    quiet: {
      [infoOf("p", "aaa")]: "1x20",
      [infoOf("q", "aaa")]: "1x20",
      [infoOf("r", "bbb").replace("statsd-proxy", "other")]: "1x20",
    },
  },
  StatsdProxyReloadFailed: {
    fires: { [`statsd_proxy_config_latest{${PROXY}}`]: "1 0x5" },
    at: "3m",
    labels: OF_PROXY,
    summary: "p:9125 could not load its new configuration, and runs with the one before",
    quiet: { [`statsd_proxy_config_latest{${PROXY}}`]: "1 1 0x5" },
  },
  StatsdProxyBug: {
    fires: { [`statsd_proxy_invariant_violations_total{${PROXY}}`]: "0x5 1x5" },
    at: "7m",
    labels: OF_PROXY,
    summary: "p:9125 has met a bug of its own",
    quiet: {
      [`statsd_proxy_invariant_violations_total{${PROXY}}`]: "0x10",
      [`statsd_proxy_internal_errors_total{${PROXY}}`]: "1x10",
    },
  },
  StatsdProxyNotHealthy: {
    fires: {
      [`statsd_proxy_healthy{${PROXY}}`]: "0x20",
      [`statsd_proxy_set_down{${PROXY}}`]: "0x20",
      [`statsd_proxy_node_set_aside{${BACKEND}}`]: "0x20",
    },
    at: "16m",
    labels: OF_PROXY,
    summary: "p:9125 has not been healthy for 15 minutes",
    quiet: { [`statsd_proxy_healthy{${PROXY}}`]: "0x20", [`statsd_proxy_node_set_aside{${BACKEND}}`]: "1x20" },
  },
};

test("each rule has its cases, and says what is wrong and what to do", () => {
  expect(RULES.map(({ alert }) => alert)).toEqual(Object.keys(CASES));
  for (const { alert, labels, annotations } of RULES) {
    expect([alert, Object.keys(labels), Object.keys(annotations)]).toEqual([
      alert,
      ["severity"],
      ["summary", "description"],
    ]);
    expect([alert, labels.severity]).toEqual([alert, expect.stringMatching(/^(critical|warning)$/)]);
    // What is wrong is of this proxy; what to do is the same for all.
    expect([alert, annotations.description]).toEqual([alert, expect.not.stringContaining("{{")]);
  }
});

needing("promtool").test("each alert fires when it should, and only then", async () => {
  const tests = Object.entries(CASES).flatMap(([alert, { fires, quiet, at, labels, summary }]) => {
    const { labels: severity, annotations } = RULES.find((rule) => rule.alert === alert) as Rule;
    const firing = {
      exp_labels: { ...labels, ...severity },
      exp_annotations: { ...annotations, summary },
    };
    const expected = [
      { series: fires, alerts: [firing] },
      { series: quiet, alerts: [] },
    ];
    return expected.map(({ series, alerts }) => ({
      interval: "1m",
      input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
      alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: alerts }],
    }));
  });
  const folder = emptyFolder();
  // YAML, of which JSON is a part. One run for all: what fails is told by its name.
  writeFileSync(join(folder, "tests.yaml"), JSON.stringify({ rule_files: [FILE], evaluation_interval: "1m", tests }));
  expect(await run(["promtool", "test", "rules", "tests.yaml"], folder)).toMatchObject({ exitCode: 0, stderr: "" });
});

interface Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string; readonly description: string };
}

function rulesOf(yaml: string): readonly Rule[] {
  const { groups } = Bun.YAML.parse(yaml) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

function infoOf(host: string, hash: string): string {
  return `statsd_proxy_config_info{job="statsd-proxy",instance="${host}:9125",hash="${hash}"}`;
}
