/** What operators ask of a running proxy: where names go, what passes, what is refused. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { version } from "../../package.json";
import { type Backend, linesArrived, openBackends } from "../support/backend.ts";
import { ask, Client, send, stats } from "../support/client.ts";
import { refusingPort } from "../support/ports.ts";
import { type RunningProxy, run, startProxy } from "../support/process.ts";
import { ownersAmong } from "../support/ring.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

const NAMES = [
  "web.requests",
  "page/views 3",
  "caf\xc3\xa9",
  "voil\xc3\xa0",
  "x\xff",
  "db.query;t=v",
  'say "hi"',
  "\\",
];

async function proxyWith(count: number): Promise<{ proxy: RunningProxy; backends: Backend[] }> {
  const backends = await openBackends(count);
  return { backends, proxy: await startProxy({ nodes: backends.map(({ node }) => node) }) };
}

test("version and stats json", async () => {
  const { proxy } = await proxyWith(2);
  expect(await ask(proxy, "version")).toBe(`${version}\n`);
  await send(proxy, ["a:1|c"]);
  const { uptime_seconds, ...figures } = JSON.parse(await ask(proxy, "stats json"));
  expect(uptime_seconds).toBeGreaterThan(0);
  expect(figures).toMatchObject({ packets_received: 1, lines_accepted: 1, nodes_up: 2 });
  expect(Object.keys(figures)).toEqual(Object.keys(await stats(proxy)).slice(1));
});

describe("route", () => {
  test("names the node that gets the lines of a name, whatever bytes it has", async () => {
    const { proxy, backends } = await proxyWith(5);
    const labels = backends.map(({ port }) => `127.0.0.1:${port}`);
    const client = await Client.open(proxy.consolePort);
    for (const name of NAMES) {
      const quoted = `"${name.replace(/["\\]/g, "\\$&")}"`;
      client.answer = "";
      client.send(Buffer.from(`route ${quoted}\nping\n`, "latin1"));
      await until("the answer", () => client.answer.endsWith("pong\n"));
      const [, row] = client.answer.split("\n");
      const [owner, whenAllUp] = row.trim().split(/ +/).slice(-2);
      expect(owner).toBe(labels[ownersAmong(backends)(name)]);
      expect(whenAllUp).toBe(owner);
      await send(proxy, [Buffer.from(`${name}:1|c`, "latin1")]);
      const backend = backends[labels.indexOf(owner)];
      await until("the line", () => backend.lines.includes(`${name}:1|c`));
    }
  });

  test("tells of a name that has moved where it is, and of one that is held that nobody gets it", async () => {
    for (const failover of ["rehash", "hold"]) {
      const [backend] = await openBackends(1);
      const dead = await refusingPort();
      const nodes = [backend.node, { host: "127.0.0.1", port: dead, managementport: dead }];
      const proxy = await startProxy({ nodes, failover, checkInterval: 10 });
      await until("the dead node is out", async () => (await stats(proxy)).nodes_up === 1);
      const names = Array.from({ length: 50 }, (_, i) => `name${i}`);
      const [, ...rows] = (await ask(proxy, `route ${names.join(" ")}`)).trimEnd().split("\n");
      const moved = rows.map((row) => row.split(/ +/)).filter(([, , whenAllUp]) => whenAllUp === `127.0.0.1:${dead}`);
      expect(moved.length).toBeGreaterThan(0);
      for (const [, owner] of moved) expect(owner).toBe(failover === "hold" ? "-" : `127.0.0.1:${backend.port}`);
      const table = await ask(proxy, "nodes");
      expect(table).toMatch(new RegExp(`^127\\.0\\.0\\.1:${dead} .* down `, "m"));
      expect(table).toMatch(new RegExp(`^127\\.0\\.0\\.1:${backend.port} +up .* -$`, "m"));
    }
  });
});

describe("tap", () => {
  test.each([[], ["-d"]])(
    "shows lines with their node as they pass, escaped, and ends by itself (%p)",
    async (...args) => {
      const { proxy, backends } = await proxyWith(1);
      const debugging = args.length > 0 ? await startProxy({ nodes: [backends[0].node] }, { args }) : proxy;
      const client = await Client.open(debugging.consolePort);
      client.send("tap web* 3\nping\n");
      await until("the tap", () => client.answer.startsWith("# up to 3 lines"));
      await send(debugging, ["web.a:1|c\ndb.b:1|c\nweb.\x1b[2J:2|c", "webbad", "web.c:3|c", "web.d:4|c"]);
      await until("the end", () => client.answer.endsWith("pong\n"));
      const label = `127.0.0.1:${backends[0].port}`;
      expect(client.answer.split("\n").slice(1)).toEqual([
        `${label}  web.a:1|c`,
        `${label}  web.\\x1b[2J:2|c`,
        `${label}  web.c:3|c`,
        "# 3 shown",
        "pong",
        "",
      ]);
      if (args.length > 0) await debugging.line("event=line line=web.d:4|c");
      expect(await linesArrived(backends, 5)).toHaveLength(5);
    },
  );

  test("rejected shows what is refused, and why", async () => {
    const { proxy } = await proxyWith(1);
    const client = await Client.open(proxy.consolePort);
    client.send("tap rejected 2\nquit\n");
    await until("the tap", () => client.answer.startsWith("# up to 2 lines"));
    await send(proxy, ["good:1|c\nno.colon\nodd:1|zz"]);
    expect((await client.wholeAnswer()).split("\n").slice(1)).toEqual([
      "no_colon      no.colon",
      "unknown_type  odd:1|zz",
      "# 2 shown",
      "",
    ]);
  });

  test.skipIf(Bun.which("nc.openbsd") === null)("works in nc, whose end is its end", async () => {
    const { proxy } = await proxyWith(1);
    const metric = `sleep 0.2; printf 'web.a:1|c' | nc.openbsd -u -w1 127.0.0.1 ${proxy.port}`;
    const typed = `(${metric}) & echo tap web 1 | timeout 10 nc.openbsd -N 127.0.0.1 ${proxy.consolePort}; wait`;
    const { stdout } = await run(["bash", "-c", typed], "/");
    expect(stdout).toMatch(
      /^# up to 1 line in 60 s.*\n(# no more input.*\n)?127\.0\.0\.1:\d+ {2}web\.a:1\|c\n# 1 shown\n$/,
    );
    // Four clients that went away do not keep a fifth from tapping.
    for (let i = 0; i < 4; i++) {
      await run(["bash", "-c", `echo tap nothing | timeout 0.2 nc.openbsd 127.0.0.1 ${proxy.consolePort}`], "/");
    }
    await until("a tap that is open", async () => {
      const client = await Client.open(proxy.consolePort);
      client.send("tap\n\nquit\n");
      return (await client.wholeAnswer()).endsWith("# 0 shown\n");
    });
  });
});
