import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { NAME_BYTES_MAX } from "../../src/http/answers.ts";
import { Client, endClients } from "../support/client.ts";
import { openHttp } from "../support/http.ts";
import { BENCH_LABELS } from "../support/relayBench.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

afterEach(endClients);

describe("a path", () => {
  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/metrics", "text/plain; version=0.0.4; charset=utf-8"],
    ["/healthz", "text/plain; charset=utf-8"],
    ["/stats.json", "application/json"],
    ["/history.json", "application/json"],
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

  test("says why the last reload failed, which changes no verdict", async () => {
    const { url } = openHttp({ reloadFailure: "fall: bad" });
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(
      /^health: up\n3 of 3 nodes up\nverdict: warning: the reload at .*\nconfiguration: last reload failed: fall: bad\n$/,
    );
    expect(await (await fetch(`${openHttp().url}/healthz`)).text()).toBe(
      "health: up\n3 of 3 nodes up\nverdict: ok: all 3 nodes up, nothing lost since the start\n",
    );
  });
});

describe("/stats.json", () => {
  test("has what the console's stats has, and of each node its state", async () => {
    const { url } = openHttp();
    expect(await (await fetch(`${url}/stats.json`)).json()).toMatchObject({
      version: "1.2.3",
      uptime_seconds: 51,
      uptime_ms: 51900,
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
        rate: null,
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
    const [now, all_up] = BENCH_LABELS;
    expect(await response.json()).toEqual({ kind: "routed", name: "a b", position: 0.25, now, all_up });
    expect(asked).toEqual(["a b:1|c&#é"]);
  });

  test("does not bother with what is too long", async () => {
    const { url, asked } = openHttp();
    expect((await fetch(`${url}/owner.json?name=${"x".repeat(NAME_BYTES_MAX + 1)}`)).status).toBe(400);
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

describe("a connection", () => {
  const ASK = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

  test("answers requests in order, however many come at once and in whatever pieces", async () => {
    const { port, codes } = openHttp();
    const client = await Client.open(port);
    client.socket.setNoDelay(true);
    const HEALTHY = "health: up\n3 of 3 nodes up\nverdict: ok: all 3 nodes up, nothing lost since the start\n";
    const last = "GET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for (const byte of `${ASK}\r\n${ASK.replace("GET", "HEAD")}${ASK}`) {
      client.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.send(`${ASK.replace("healthz", "x").repeat(500)}${last}`);
    const answer = await client.wholeAnswer();
    expect(answer.match(/^HTTP\/1\.1 404 Not Found\r$/gm)).toHaveLength(501);
    expect(codes.slice(0, 3)).toEqual([200, 200, 200]);
    // To HEAD the length is told, and what has it is not there.
    expect(answer.match(new RegExp(`^content-length: ${HEALTHY.length}\\r$`, "gm"))).toHaveLength(3);
    expect(answer.match(/^health: up$/gm)).toHaveLength(2);
    expect(answer.match(/^connection: close\r$/gm)).toHaveLength(1);
  });

  test.each([
    ["HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n"],
    ["Connection: close", "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
    ["a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["chunks", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    ["what is no request", "hello\r\n"],
    ["one that is too long", `GET / HTTP/1.1\r\nX: ${"x".repeat(9000)}`],
  ])("ends behind the answer to %s, and what else came is not answered", async (_, text) => {
    const { port, codes } = openHttp();
    const client = await Client.open(port);
    client.send(text);
    const answer = await client.wholeAnswer();
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect(answer).toContain("\r\nconnection: close\r\n");
    expect(codes).toHaveLength(1);
  });

  test("of HTTP/1.0 stays open if it is asked to", async () => {
    const { port, codes } = openHttp();
    const client = await Client.open(port);
    client.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".repeat(2));
    client.socket.end();
    expect((await client.wholeAnswer()).match(/^connection: keep-alive\r$/gm)).toHaveLength(2);
    expect(codes).toEqual([404, 404]);
  });

  test("whose client has sent all it wants to say is answered, and ends", async () => {
    const { port } = openHttp();
    const client = await Client.open(port);
    client.socket.end(`${ASK}GET / HT`);
    expect(await client.wholeAnswer()).toEndWith("nothing lost since the start\n");
  });

  test("that was quiet for longest makes room for one more", async () => {
    const { port, cuts } = openHttp({ connectionsMax: 3 });
    const clients: Client[] = [];
    for (let i = 0; i < 3; i++) clients.push(await Client.open(port));
    clients[0].send(ASK);
    await until("the answer", () => clients[0].answer.endsWith("since the start\n"));
    const late = await Client.open(port);
    await until("the cut", () => clients[1].closed);
    late.send(ASK);
    await until("the answer", () => late.answer.endsWith("since the start\n"));
    expect(cuts).toEqual(["too_many"]);
    expect([clients[0].closed, clients[2].closed]).toEqual([false, false]);
  });

  test("whose client asks and does not read is cut for it, in time", async () => {
    const { port, cuts } = openHttp({ idleSeconds: 1 });
    const client = await Client.open(port);
    client.socket.pause();
    client.send(ASK.repeat(10_000));
    await until("the cut", () => cuts.length > 0);
    expect(cuts).toEqual(["unread"]);
  });

  test("whose client asks for much gets all of it", async () => {
    const { port, cuts } = openHttp();
    const client = await Client.open(port);
    const times = 5000;
    client.send(ASK.repeat(times));
    client.socket.end();
    const answer = await client.wholeAnswer();
    expect(answer.match(/^3 of 3 nodes up$/gm)).toHaveLength(times);
    expect(cuts).toEqual([]);
  });

  test("is cut when its request does not become complete in time, though a byte comes now and then", async () => {
    // Bun (1.4.5) looks every four seconds: a shorter time than that it cannot be seen to put off.
    const { port, cuts } = openHttp({ idleSeconds: 5 });
    const client = await Client.open(port);
    client.send("GET / HTTP/1.1\r\nX: ");
    const dripUntilClosed = () => {
      client.send("x");
      return client.closed;
    };
    await until("the cut", dripUntilClosed, 20_000);
    expect(cuts).toEqual(["slow"]);
  });

  test("that does not read has no answers made", async () => {
    const { port, codes, cuts } = openHttp();
    const client = await Client.open(port);
    client.socket.pause();
    const asked = 2000;
    client.send("GET /stats.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(asked));
    let before = 0;
    await until("no more", async () => {
      before = codes.length;
      await Bun.sleep(200);
      return codes.length > 0 && codes.length === before;
    });
    expect(codes.length).toBeLessThan(asked / 2);
    client.socket.resume();
    await until("the rest", () => codes.length === asked, 20_000);
    expect(cuts).toEqual([]);
  });

  test("that is idle is ended", async () => {
    // Bun looks at such times every four seconds: of less than that nothing may be left at once.
    const { port, cuts } = openHttp({ idleSeconds: 5 });
    const client = await Client.open(port);
    client.send(ASK);
    await until("the end", () => client.closed, 20_000);
    expect(client.answer).toEndWith("since the start\n");
    expect(cuts).toEqual(["idle"]);
  });
});

describe("an answer in pieces", () => {
  /** Long enough for several. */
  const NODES = 2000;

  test.each(["/metrics", "/stats.json"])("%s is whole", async (path) => {
    const { url } = openHttp({ nodes: NODES });
    const response = await fetch(url + path);
    expect(response.headers.get("transfer-encoding")).toBe("chunked");
    const text = await response.text();
    if (path === "/metrics") expect(text.match(/^statsd_proxy_node_up/gm)).toHaveLength(NODES);
    else expect(JSON.parse(text).nodes).toHaveLength(NODES);
  });

  test("has no chunks for HTTP/1.0, whose connection ends behind it", async () => {
    const { port } = openHttp({ nodes: NODES });
    const client = await Client.open(port);
    client.send("GET /stats.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const answer = await client.wholeAnswer();
    expect(answer).toContain("\r\nconnection: close\r\n");
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))).nodes).toHaveLength(NODES);
  });

  test("is only its headers to HEAD, and the next follows", async () => {
    const { port } = openHttp({ nodes: NODES });
    const client = await Client.open(port);
    client.send("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.0\r\n\r\n");
    expect(await client.wholeAnswer()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\nHTTP\/1\.1 404 /);
  });

  test("is made no further than it is read, and ends with its reader", async () => {
    const { port, cuts } = openHttp({ nodes: NODES });
    const client = await Client.open(port);
    client.socket.pause();
    client.send("GET /stats.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20));
    const other = await Client.open(port);
    other.send("GET /healthz HTTP/1.0\r\n\r\n");
    await other.wholeAnswer();
    client.socket.resume();
    client.socket.end();
    const answer = await client.wholeAnswer();
    expect(answer.match(/^HTTP\/1\.1 200 OK\r$/gm)).toHaveLength(20);
    expect(answer.match(/^0\r\n\r$/gm)).toHaveLength(20);
    expect(cuts).toEqual([]);
  });
});

test.each([
  ["short", 3],
  ["long", 300],
])("a %s answer is whole whatever characters are in it", async (_, nodes) => {
  const prefix = "kn\u00f6ten\u2013";
  const { url } = openHttp({ prefix, nodes });
  for (const path of ["/metrics", "/stats.json"]) {
    const text = await (await fetch(`${url}${path}`)).text();
    expect(text.match(new RegExp(prefix, "g"))?.length).toBeGreaterThanOrEqual(nodes);
    expect(text).toMatch(/[\n}]$/);
    if (path === "/stats.json") expect(JSON.parse(text).nodes).toHaveLength(nodes);
  }
});

test("a programmer's error is a 500, and told, and the next request is answered", async () => {
  const { url, codes, errors, fail } = openHttp();
  fail();
  const response = await fetch(`${url}/metrics`);
  expect([response.status, await response.text()]).toEqual([500, "internal error\n"]);
  expect((await fetch(`${url}/x`)).status).toBe(404);
  expect(codes).toEqual([500, 404]);
  expect(errors.map(({ message }) => message)).toEqual(["a programmer's"]);
});
