import { afterEach, describe, expect, onTestFinished, test } from "bun:test";
import { readConfig } from "../../src/core/config.ts";
import { History } from "../../src/core/history.ts";
import type { WebDesk } from "../../src/core/web.ts";
import { ASKED_BYTES_MAX, type Whereabouts } from "../../src/core/whereabouts.ts";
import { Http } from "../../src/io/http.ts";
import { Client, endClients } from "../support/client.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";

afterEach(endClients);

describe("a path", () => {
  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/metrics", "text/plain; version=0.0.4; charset=utf-8"],
    ["/healthz", "text/plain; charset=utf-8"],
    ["/stats.json", "application/json"],
    ["/history.json", "application/json"],
    ["/ring.json", "application/json"],
    ["/owner.json", "application/json"],
  ])("%s is answered with %s, also to HEAD and with a query", async (path, type) => {
    const { url } = openHttp();
    const response = await fetch(url + path);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
    expect(await response.text()).not.toBe("");
    expect((await fetch(`${url}${path}?x=1`)).status).toBe(200);
    const head = await fetch(url + path, { method: "HEAD" });
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([200, type, ""]);
  });

  test.each(["/x", "/metrics/", "/METRICS", "/index.html", "/favicon.ico", "/constructor", "/__proto__"])(
    "%s is not found",
    async (path) => {
      const response = await fetch(openHttp().url + path);
      expect([response.status, await response.text()]).toEqual([404, "not found\n"]);
    },
  );

  test.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("cannot be asked with %s", async (method) => {
    const response = await fetch(`${openHttp().url}/metrics`, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});

describe("nothing of a request is in the answer:", () => {
  const evil = "<script>alert(1)</script>";
  test.each([
    ["a path", `GET /${evil} HTTP/1.1\r\nHost: a\r\n`, 404],
    ["a query", `GET /metrics?${evil} HTTP/1.1\r\nHost: a\r\n`, 200],
    ["a host that is none", `GET /nowhere HTTP/1.1\r\nHost: ${evil}\r\n`, 404],
    ["a host with a bad port", "GET /healthz HTTP/1.1\r\nHost: alert:99999\r\n", 400],
    ["a host of a path that is there", "GET / HTTP/1.1\r\nHost: alert.example\r\n", 200],
    ["a method", "PROPFIND /metrics HTTP/1.1\r\nHost: alert.example\r\n", 405],
    ["a header", `GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: ${evil}\r\nOrigin: http://alert\r\n`, 200],
    ["a whole URL", "GET http://alert.example/healthz HTTP/1.1\r\nHost: a\r\n", 200],
  ])("%s", async (_, request, status) => {
    const { port } = openHttp();
    const client = await Client.open(port);
    client.send(`${request}Connection: close\r\n\r\n`);
    const answer = await client.wholeAnswer();
    expect(answer).toStartWith(`HTTP/1.1 ${status} `);
    expect(answer).not.toContain("alert");
  });
});

test("a load balancer's check, which names no host, is answered", async () => {
  const { port } = openHttp();
  const client = await Client.open(port);
  client.send("GET /healthz HTTP/1.0\r\n\r\n");
  expect(await client.wholeAnswer()).toMatch(/^HTTP\/1\.[01] 200 .*health: up\n/s);
});

describe("/healthz", () => {
  test.each<["up" | "down", boolean, number]>([
    ["up", true, 200],
    ["down", true, 503],
    ["up", false, 503],
    ["down", false, 503],
  ])("with the console's health %s, and a node up: %p, is %d", async (health, isUp, status) => {
    const { url } = openHttp({ health, isUp });
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(status);
    expect(await response.text()).toStartWith(`health: ${status === 200 ? "up" : "down"}\n`);
  });
});

describe("/stats.json", () => {
  test("has what the console's stats has, and of each node its state", async () => {
    const { url } = openHttp();
    expect(await (await fetch(`${url}/stats.json`)).json()).toMatchObject({
      version: "1.2.3",
      uptime_seconds: 51,
      health: "up",
      mirror: false,
      ring: "farmhash",
      figures: { lines_received: 2, "lines_rejected.no_colon": 1, nodes_up: 3 },
      nodes: BENCH_LABELS.map((node) => ({
        node,
        address: node,
        up: true,
        checked: true,
        last_check: { at_ms: 0, duration_ms: 2, result: "up" },
        rate: 0,
        figures: { up: 1, "lines_dropped.held": 0 },
      })),
      health_changes: [
        { at_ms: 7000, node: BENCH_LABELS[1], up: true, reason: null },
        { at_ms: 5000, node: BENCH_LABELS[1], up: false, reason: "ECONNREFUSED" },
      ],
    });
  });
});

describe("/history.json", () => {
  test("has samples from a number on", async () => {
    const { url } = openHttp();
    const history = async (query: string) => await (await fetch(`${url}/history.json${query}`)).json();
    expect(await history("")).toMatchObject({ first: 0, next: 2, times_ms: [1000, 2000], rates: { received: [5, 6] } });
    expect(await history("?from=1")).toMatchObject({ first: 1, next: 2, times_ms: [2000], rates: { received: [6] } });
    expect(await history("?from=99")).toMatchObject({ first: 2, next: 2, times_ms: [] });
  });

  test.each(["-1", "x", "1.5", "1e999"])("from=%s is a bad request", async (from) => {
    expect((await fetch(`${openHttp().url}/history.json?from=${from}`)).status).toBe(400);
  });
});

describe("/owner.json", () => {
  test("says where what was asked about goes", async () => {
    const { url, asked } = openHttp();
    const response = await fetch(`${url}/owner.json?name=${encodeURIComponent("a b:1|c&#é")}`);
    expect(await response.json()).toEqual({ kind: "owned", name: "a", position: 0.25, node: 1 });
    expect(asked).toEqual(["a b:1|c&#é"]);
  });

  test("does not bother with what is too long", async () => {
    const { url, asked } = openHttp();
    expect((await fetch(`${url}/owner.json?name=${"x".repeat(ASKED_BYTES_MAX + 1)}`)).status).toBe(400);
    expect(asked).toEqual([]);
  });
});

test("every answer is counted, by its code", async () => {
  const { url, codes } = openHttp({ health: "down" });
  for (const path of ["/", "/x", "/healthz"]) await fetch(url + path);
  await fetch(url, { method: "POST" });
  expect(codes).toEqual([200, 404, 503, 405]);
});

test("an answer says what a browser may do with it: nothing but show it", async () => {
  const { url } = openHttp();
  for (const path of ["/", "/metrics", "/stats.json", "/x"]) {
    const { headers } = await fetch(url + path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(headers.get("content-security-policy")).toBe(
      path === "/" ? "default-src 'self'" : "default-src 'none'; frame-ancestors 'none'",
    );
  }
});

test("a port that is taken is an error with a code", () => {
  const { port } = openHttp();
  expect(() => openHttp({ port })).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
});

interface Scene {
  readonly health?: "up" | "down";
  readonly isUp?: boolean;
  readonly port?: number;
}

function openHttp({ health = "up", isUp = true, port = 0 }: Scene = {}) {
  const nodes = BENCH_LABELS.map((label) => {
    const [host, port] = label.split(":");
    return { host, port: Number(port), managementport: 1 };
  });
  const { config } = readConfig(JSON.stringify({ nodes }));
  if (config === undefined) throw new Error("the configuration is good");
  const bench = new RelayBench({});
  bench.receive("a:1|c\nbad");
  const history = new History();
  const totals = { received: 0, relayed: 0, rejected: 0, dropped: 0, kernel_drops: 0, nodes: [0, 0, 0] };
  [0, 5, 11].forEach((received, i) => {
    history.record(i * 1000, i * 1000 + 1, 0, { ...totals, received });
  });
  const asked: string[] = [];
  const owned: Whereabouts = { kind: "owned", name: "a", position: 0.25, node: 1 };
  const desk: WebDesk = {
    build: { version: "1.2.3" },
    page: { html: "<!doctype html>", contentSecurityPolicy: "default-src 'self'" },
    source: () => ({
      version: "1.2.3",
      nowMs: 9000,
      config,
      health,
      view: { ...bench.view(), nodes: bench.view().nodes.map((node) => ({ ...node, isUp })) },
      history: history,
      healthChanges: [
        { atMs: 5000, node: 1, isUp: false, failure: "ECONNREFUSED" },
        { atMs: 7000, node: 1, isUp: true, failure: undefined },
      ],
    }),
    whereabouts: (name) => {
      asked.push(name);
      return owned;
    },
    ringPicture: (parts) => new Array(parts).fill(0),
    fullShares: () => [1, 0, 0],
  };
  const codes: number[] = [];
  const http = new Http({ host: "127.0.0.1", port, desk, onAnswer: (code) => void codes.push(code) });
  onTestFinished(() => http.close());
  return { port: http.port, url: `http://127.0.0.1:${http.port}`, asked, codes };
}
