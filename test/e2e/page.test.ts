/** The status page of the compiled binary, in a real browser. Screenshots are left in dist/test/screenshots. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import type { NodeJson, StatusJson } from "../../src/observe/statusJson.ts";
import { type Backend, openBackends } from "../support/backend.ts";
import { CHROMIUM, openBrowser, untilShown as until, Visit } from "../support/browser.ts";
import { endOfFile } from "../support/cleanUp.ts";
import { ask, send, stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { ManagementPort } from "../support/management.ts";
import { freePort, freePorts, refusingPort } from "../support/ports.ts";
import { configFile, type RunningProxy, startProxy } from "../support/process.ts";
import { needing } from "../support/programs.ts";
import { ownersAmong } from "../support/ring.ts";

setDefaultTimeout(120_000);

const atEnd = endOfFile();

needing(CHROMIUM).describe("the status page", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser(atEnd);
  });

  test("shows traffic while it runs, without reloading and without a request to anywhere else", async () => {
    const { proxy, url } = await start(3);
    const visit = await Visit.begin(browser, url);
    await visit.page.waitForSelector("tbody tr");
    await traffic(proxy, 3);
    await isOk(visit);
    await until("a rate of each node", async () => (await rows(visit)).every((row) => !/\s0\/s/.test(row)));
    await until("a peak", async () => (await textOf(visit, ".rate")).includes("peak"));
    expect(await visit.page.locator(".rate canvas").count()).toBe(5);
    expect(await sharesOf(visit)).toEqual(["1", "2", "3"]);
    await visit.screenshot("traffic");
    expect(visit.complaints).toEqual([]);
    expect(visit.requests.filter((request) => request === `${url}/`).length).toBe(1);
  });

  test("answers where a name goes, and shows where on the ring it lies", async () => {
    const { url, backends } = await start(3);
    const owner = ownersAmong(backends.map(({ node }) => node));
    const visit = await Visit.begin(browser, url);
    await visit.page.waitForSelector("tbody tr");
    for (const name of ["web.requests", "app.1", "naïve <b>name</b>"]) {
      await visit.page.fill("#where-name", name);
      await visit.page.press("#where-name", "Enter");
      const node = owner(Buffer.from(name).toString("latin1"));
      await shows(visit, "#where-answer", `${name} goes to ${node + 1}: 127.0.0.1:${backends[node].port}.`);
    }
    expect(await visit.page.locator("#ring .pointed").count()).toBe(1);
    await visit.page.fill("#where-name", "a|c");
    await visit.page.click("form button");
    await shows(visit, "#where-answer", "Nowhere: it is not a metric, it has no “:” after its name.");
    expect(await visit.page.locator("#ring .pointed").count()).toBe(0);
    expect(visit.complaints).toEqual([]);
  });

  test.each([
    ["hold", (node: string) => `app.1 belongs to 1: ${node}, which is down: it is dropped until the node is back.`],
    ["rehash", () => "app.1 goes nowhere: there is no live node, and it is dropped."],
  ])(
    "tells where a name goes when its node dies, without being asked again (failover: %s)",
    async (failover, words) => {
      const { proxy, url, managements } = await start(1, { failover });
      const visit = await Visit.begin(browser, url);
      await visit.page.waitForSelector("tbody tr");
      await visit.page.fill("#where-name", "app.1");
      await visit.page.press("#where-name", "Enter");
      await shows(visit, "#where-answer", `app.1 goes to 1: ${proxy.labels[0]}.`);
      managements[0].close();
      await shows(visit, "#where-answer", words(proxy.labels[0]));
      await matches(visit, "#health", /^✕ critical: the only node is down since /);
      expect(visit.complaints).toEqual([]);
    },
  );

  test("shows a node that dies and comes back", async () => {
    const { proxy, url, managements } = await start(4);
    const visit = await Visit.begin(browser, url, { colorScheme: "dark" });
    await isOk(visit);
    managements[2].close();
    await matches(visit, "#health", /^▲ warning: 1 of 4 nodes down since .* of the names moved: .*ECONNREFUSED/);
    await until("the node's row", async () => /✕ down.*ECONNREFUSED.*0\.0%/s.test((await rows(visit))[2]));
    expect(await textOf(visit, "#changes")).toContain(
      `${proxy.labels[2]}: check statsd at port ${managements[2].port}: ECONNREFUSED`,
    );
    await until("the shares", async () => (await visit.page.locator("#ring .down").count()) === 1);
    expect(await textOf(visit, "#changes")).toMatch(/of the names moved: \d \+\d+\.\d, \d \+\d+\.\d, \d \+\d+\.\d/);
    await traffic(proxy, 1);
    await visit.screenshot("dead-node-dark");
    await ask(proxy, "health down");
    await matches(visit, "#health", /^▲ drained at .* UTC by health down: health up ends it$/);
    expect(await textOf(visit, "#troubles")).toContain("1 of 4 nodes down");
    await ask(proxy, "health up");
    managements[2].listen();
    await isOk(visit);
    await until("the change", async () => (await visit.page.locator("#changes li").count()) === 2);
    expect(visit.complaints).toEqual([]);
  });

  test("shows the errors of a node that is up, and the proxy's own", async () => {
    const { url } = await start(2);
    const visit = await Visit.begin(browser, url);
    await visit.page.waitForSelector("tbody tr");
    expect(await visit.page.isVisible("#proxy-errors")).toBe(false);
    // They cannot be had by asking.
    const stats = (await (await fetch(`${url}/stats.json`)).json()) as StatusJson;
    Object.assign(stats.figures, { internal_errors: 2 });
    Object.assign(stats.nodes[0].figures, { send_errors: 3, checks_skipped: 4 });
    await visit.page.route("**/stats.json", (route) => route.fulfill({ json: stats }));
    await shows(visit, "#proxy-errors", "✕ since the start: internal errors (please report them with the log): 2");
    expect(await visit.page.isVisible("#proxy-errors")).toBe(true);
    expect((await rows(visit))[0]).toMatch(/3 send errors\s+4 checks skipped/);
    expect((await rows(visit))[1]).toContain("none");
    Object.assign(stats.nodes[1], { flapping: { changes: 36, since_ms: stats.now_ms } });
    await until("the mark", async () => /▲ flapping\s+up, 36 changes in 5 min/.test((await rows(visit))[1]));
  });

  test("is not content with nodes that are up and refuse metrics", async () => {
    const backends = await openBackends(2);
    const ports = [...backends.map(({ port }) => port), await refusingPort()];
    const httpport = await freePort();
    const nodes = ports.map((port) => ({ host: "127.0.0.1", port, managementport: new ManagementPort().port }));
    const proxy = await startProxy({ nodes, httpport, checkInterval: 100 });
    const visit = await Visit.begin(browser, `http://127.0.0.1:${httpport}`);
    await isOk(visit);
    await traffic(proxy, 1);
    await matches(visit, "#health", /^✕ losing: [\d,]+ lines or more probably lost .* refused by 127/);
    expect(await visit.page.title()).toMatch(/^✕ losing: .* · statsd-proxy /);
    const [first, , refusing] = await rows(visit);
    expect(refusing).toMatch(/▲ refusing.*▲ [\d,]+ lines refused/s);
    expect(first).toContain("● up");
    expect(first).not.toContain("▲");
    expect(await proxy.line("event=refusing")).toContain(` node=127.0.0.1:${ports[2]} lines=`);
    await visit.screenshot("refusing");
    // The verdict is of the last minutes; the node's own mark goes with the losses.
    await until("the mark to go", async () => /● up.*\s[\d,]+ lines refused/s.test((await rows(visit))[2]));
    expect(visit.complaints).toEqual([]);
  });

  test("says why the last reload failed, until one succeeds", async () => {
    const [backend] = await openBackends(1);
    const folder = emptyFolder();
    const [port, managementport, httpport] = await freePorts(3);
    const settings = { host: "127.0.0.1", port, managementport, httpport, nodes: [backend.node] };
    const proxy = await startProxy(settings, { folder });
    const visit = await Visit.begin(browser, `http://127.0.0.1:${httpport}`);
    await shows(visit, "#connection", "live");
    configFile(folder, { ...settings, fall: "<img src=x>", rise: 0 });
    await ask(proxy, "reload");
    await matches(
      visit,
      "#health",
      /^▲ warning: the reload at \d\d:\d\d:\d\d UTC failed, an older .* in force: fall: .*<img src=x>.*; rise: /,
    );
    expect(await textOf(visit, "header")).not.toMatch(/rise: .* rise: /);
    expect(await visit.page.locator("img").count()).toBe(0);
    await visit.screenshot("failed-reload");
    configFile(folder, settings);
    await ask(proxy, "reload");
    await isOk(visit);
    expect(visit.complaints).toEqual([]);
  });

  test("has no bar for a share of traffic that is over", async () => {
    const { url } = await start(2);
    const stats = (await (await fetch(`${url}/stats.json`)).json()) as StatusJson;
    const rates = [30, 10];
    const visit = await Visit.begin(browser, url);
    await visit.page.route("**/stats.json", (route) =>
      route.fulfill({ json: { ...stats, nodes: stats.nodes.map((node, i) => ({ ...node, rate: rates[i] })) } }),
    );
    const bars = async () =>
      await visit.page.evaluate(
        "[...document.querySelectorAll('td[data-label=\"Share of the traffic\"] .bar')].map((bar) => bar.style.getPropertyValue('--part'))",
      );
    await until("a share", async () => /75\.0%/.test((await rows(visit))[0]));
    expect(await bars()).toEqual(["75.0%", "25.0%"]);
    rates.fill(0);
    await until("no share", async () => !/75\.0%/.test((await rows(visit))[0]));
    expect(await bars()).toEqual(["0%", "0%"]);
  });

  test("shows nodes that appear, vanish and change places, each still in its own row", async () => {
    const { url, proxy } = await start(3);
    const visit = await Visit.begin(browser, url);
    await shows(visit, "#connection", "live");
    // They cannot be had by asking.
    const stats = (await (await fetch(`${url}/stats.json`)).json()) as StatusJson;
    const [a, b, c] = stats.nodes;
    const fresh = { ...a, node: "fresh:1", address: "10.0.0.1:1" };
    const serve = async (...nodes: NodeJson[]) => {
      await visit.page.unroute("**/stats.json");
      await visit.page.route("**/stats.json", (route) => route.fulfill({ json: { ...stats, nodes } }));
    };
    const numbered = async () =>
      (await visit.page.locator("tbody th div").allTextContents()).map((text) => text.replace("10.0.0.1:1", "")).join();
    const [one, two, three] = proxy.labels;
    await visit.page.evaluate("[...document.querySelectorAll('tbody tr')].forEach((row, i) => { row.mark = i + 1; })");
    const marks = async () =>
      await visit.page.evaluate("[...document.querySelectorAll('tbody tr')].map(({ mark }) => mark ?? 0)");

    await serve(c, fresh, a);
    await until("the other nodes", async () => (await numbered()) === `1${three},2fresh:1,3${one}`);
    expect(await marks()).toEqual([3, 0, 1]);
    expect(await sharesOf(visit)).toEqual(["1", "2", "3"]);

    // What is asked is answered by label.
    await visit.page.route("**/owner.json*", (route) =>
      route.fulfill({ json: { kind: "routed", name: "x", position: 0.5, now: one, all_up: two } }),
    );
    await visit.page.fill("#where-name", "x");
    await visit.page.press("#where-name", "Enter");
    await shows(visit, "#where-answer", `x goes to 3: ${one} until ${two} is back.`);

    await serve(b);
    await until("one node", async () => (await numbered()) === `1${two}`);
    await shows(visit, "#where-answer", `x goes to ${one} until 1: ${two} is back.`);
    expect(visit.complaints).toEqual([]);
  });

  test("shows a mirror", async () => {
    const { proxy, url, managements } = await start(5, { mirror: true });
    managements[1].close();
    const visit = await Visit.begin(browser, url);
    await matches(visit, "#health", /^[▲✕] (warning|losing): 1 of 5 nodes down/);
    await shows(visit, "#ring-title", "Mirror");
    await traffic(proxy, 1);
    await visit.page.fill("#where-name", "a");
    await visit.page.press("#where-name", "Enter");
    await shows(visit, "#where-answer", "a goes to every live node.");
    await visit.screenshot("mirror");
    expect(visit.complaints).toEqual([]);
  });

  test("holds 50 nodes, and sorts them", async () => {
    const { proxy, url, managements } = await start(50);
    managements[7].close();
    const visit = await Visit.begin(browser, url);
    await matches(visit, "#health", /^▲ warning: 1 of 50 nodes down/);
    await traffic(proxy, 1);
    expect(await visit.page.locator("tbody tr").count()).toBe(25);
    await visit.screenshot("fifty-nodes");
    await visit.page.check("#node-all");
    expect(await visit.page.locator("tbody tr").count()).toBe(50);
    const numbers = async () => await visit.page.locator("tbody .badge").allTextContents();
    const configured = Array.from({ length: 50 }, (_, i) => `${i + 1}`);
    // Whoever comes to look has not sorted anything yet.
    expect(await numbers()).toEqual(["8", ...configured.filter((number) => number !== "8")]);
    expect(await visit.page.locator("th[aria-sort=other]").textContent()).toBe("Node");
    await visit.page.click("thead >> text=Node");
    expect(await numbers()).toEqual(configured);
    await visit.page.click("thead >> text=Errors");
    expect((await numbers())[0]).toBe("8");
    await visit.page.click("text=State");
    expect((await rows(visit))[0]).toContain("down");
    await visit.page.click("text=Share of the ring");
    const shares = (await rows(visit)).map((row) => Number(row.match(/([\d.]+)%/)?.[1]));
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    await visit.page.fill("#node-filter", `down`);
    expect(await numbers()).toEqual(["8"]);
    expect(await textOf(visit, ".controls [role=status]")).toBe("1 of 50 nodes");
    // What was chosen is in the address.
    await visit.page.reload();
    await until("the same rows", async () => (await numbers()).join() === "8");
    expect(await visit.page.locator("th[aria-sort=descending]").textContent()).toBe("Share of the ring");
    expect(visit.complaints).toEqual([]);
  });

  test("fits a phone", async () => {
    const { proxy, url } = await start(3);
    await traffic(proxy, 1);
    const visit = await Visit.begin(browser, url, { viewport: { width: 390, height: 844 }, isMobile: true });
    await visit.page.waitForSelector("tbody tr");
    await until("a rate", async () => !(await textOf(visit, ".rate")).includes("–"));
    await visit.screenshot("phone");
    expect(await visit.page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    const stale = `document.querySelector("#stale").textContent = "no answer for 12 s";`;
    expect(await visit.page.evaluate(`${stale} document.documentElement.scrollWidth`)).toBe(390);
    expect(visit.complaints).toEqual([]);
  });

  test("is usable by keyboard alone", async () => {
    const { url } = await start(3);
    const visit = await Visit.begin(browser, url);
    await visit.page.waitForSelector("tbody tr");
    await until("two samples", async () => Number(await valueNow(visit)) > 1);
    const stops: string[] = [];
    for (let i = 0; i < 20; i++) {
      await visit.page.keyboard.press("Tab");
      stops.push(
        await visit.page.evaluate(
          "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || document.activeElement.id",
        ),
      );
    }
    for (const stop of ["Received, lines/s", "Kernel drops, datagrams/s", "where-name", "Look up", "Rate", "/metrics"])
      expect(stops).toContain(stop);
    await visit.page.locator(".chart").first().focus();
    await visit.page.keyboard.press("Home");
    expect(await valueNow(visit)).toBe("0");
    await visit.page.keyboard.press("ArrowRight");
    expect(await visit.page.locator(".rate .words + .words").first().textContent()).toMatch(/^\d\d:\d\d:\d\d UTC: \d/);
    await visit.page.keyboard.press("Escape");
    await until("the summary", async () => (await textOf(visit, ".rate .words + .words")) === "none in this period");
    await visit.page.locator("thead button", { hasText: "State" }).focus();
    await visit.page.keyboard.press("Enter");
    expect(await visit.page.locator("th[aria-sort=ascending]").textContent()).toBe("State");
  });

  test("escapes what nodes are called", async () => {
    const [backend] = await openBackends(1);
    const httpport = await freePort();
    const name = "<img/src=x/onerror=document.title='stolen'>";
    const management = new ManagementPort();
    await startProxy({
      nodes: [{ ...backend.node, name, managementport: management.port }],
      httpport,
      checkInterval: 50,
    });
    const visit = await Visit.begin(browser, `http://127.0.0.1:${httpport}`);
    management.close();
    await until("the change", async () => (await textOf(visit, "#changes")).includes(name));
    expect((await rows(visit))[0]).toContain(name);
    expect(await visit.page.locator("img").count()).toBe(0);
    expect(await visit.page.title()).toContain("statsd-proxy");
    expect(visit.complaints).toEqual([]);
  });

  test("forbids itself everything that is not its own", async () => {
    const { url } = await start(1);
    const visit = await Visit.begin(browser, url);
    await visit.page.waitForSelector("tbody tr");
    const elsewhere = await freePort();
    const blocked = await visit.page.evaluate(`(async () => {
      const seen = [];
      document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
      await fetch("http://127.0.0.1:${elsewhere}/").catch(() => {});
      const image = new Image();
      image.src = "http://127.0.0.1:${elsewhere}/x.png";
      const script = document.createElement("script");
      script.textContent = "document.title = 'stolen'";
      document.body.append(image, script);
      const button = document.createElement("button");
      button.setAttribute("onclick", "document.title = 'stolen'");
      document.body.append(button);
      button.click();
      for (let i = 0; i < 100 && seen.length < 4; i++) await new Promise((resolve) => setTimeout(resolve, 20));
      return [...seen.sort(), document.title.includes("stolen")];
    })()`);
    expect(blocked).toEqual(["connect-src", "img-src", "script-src-attr", "script-src-elem", false]);
  });

  test("says when the proxy is gone, and goes on when it is back, with nothing of the one before", async () => {
    const [backend] = await openBackends(1);
    const httpport = await freePort();
    const settings = { nodes: [backend.node], httpport };
    const first = await startProxy(settings);
    const visit = await Visit.begin(browser, `http://127.0.0.1:${httpport}`);
    await shows(visit, "#connection", "live");
    await first.end();
    await until("the loss", async () => (await textOf(visit, "#connection")).startsWith("✕ no answer since"));
    // There is no verdict from figures of before.
    await matches(visit, "#health", /^✕ no answer for [3-9] s: the figures are those of \d\d:\d\d:\d\d UTC$/);
    expect(await visit.page.title()).toMatch(/^✕ no answer for \d+ s · statsd-proxy ./);
    expect(await visit.page.isVisible("#stale")).toBe(true);
    await startProxy(settings);
    await shows(visit, "#connection", "live");
    await isOk(visit);
    expect((await rows(visit)).length).toBe(1);
  });

  test("asks nothing while nobody looks", async () => {
    const { proxy, url } = await start(1, { checkInterval: 100 });
    const visit = await Visit.begin(browser, url);
    await shows(visit, "#connection", "live");
    await visit.page.evaluate(`
      Object.defineProperty(document, "hidden", { get: () => globalThis.isAway ?? true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    `);
    const figures = async () => {
      const all = await stats(proxy);
      return { answered: all["http_requests.200"], checks: all[`node.${proxy.labels[0]}.checks_passed`] };
    };
    // A round that was under way may still end. The checks are the clock: 20 of them take two rounds and more.
    let before = await figures();
    await until("two rounds without a question", async () => {
      const now = await figures();
      if (now.answered !== before.answered) before = now;
      return now.checks >= before.checks + 20;
    });
    expect(await visit.page.title()).toMatch(/^\(paused at \d\d:\d\d:\d\d UTC\) ○ ok: the node is up, /);
    await visit.page.evaluate(`
      globalThis.isAway = false;
      document.dispatchEvent(new Event("visibilitychange"));
    `);
    await until("questions again", async () => (await figures()).answered > before.answered + 2);
  });
});

interface Scene {
  readonly proxy: RunningProxy & { labels: string[] };
  readonly url: string;
  readonly backends: readonly Backend[];
  readonly managements: readonly ManagementPort[];
}

async function start(count: number, settings: object = {}): Promise<Scene> {
  const backends = await openBackends(count);
  const managements = backends.map(() => new ManagementPort());
  const httpport = await freePort();
  const nodes = backends.map(({ node }, i) => ({ ...node, managementport: managements[i].port }));
  // A shorter one would take nodes out when the machine is busy, and cost as much as the page does.
  const proxy = await startProxy({ nodes, httpport, checkInterval: 500, ...settings });
  const labels = nodes.map(({ host, port }) => `${host}:${port}`);
  return { proxy: Object.assign(proxy, { labels }), url: `http://127.0.0.1:${httpport}`, backends, managements };
}

/** Lines of many names, some of them no metrics, over as many of the history's samples. */
async function traffic(proxy: RunningProxy, seconds: number): Promise<void> {
  const lines = (turn: number) =>
    Array.from(
      { length: 40 },
      (_, i) => `app.${(turn * 7 + i) % 500}.hits:1|c\nweb.${i}.ms:3|ms\n${i % 20 ? "" : "bad"}`,
    );
  const { start_time_seconds } = await stats(proxy);
  const endSeconds = Date.now() / 1000 + seconds;
  for (let turn = 0; Date.now() / 1000 < endSeconds; turn++) {
    const wave = 1 + Math.round(2 + 2 * Math.sin((Date.now() / 1000 - start_time_seconds) / 1.5));
    for (let i = 0; i < wave; i++) await send(proxy, lines(turn * 5 + i));
    await Bun.sleep(200);
  }
}

async function shows(visit: Visit, selector: string, text: string): Promise<void> {
  await until(`${selector}: ${text}`, async () => (await textOf(visit, selector)) === text, 20_000).catch(
    async (error) => {
      throw new Error(`${error.message}, but ${await textOf(visit, selector)}`);
    },
  );
}

async function matches(visit: Visit, selector: string, text: RegExp): Promise<void> {
  await until(`${selector}: ${text}`, async () => text.test(await textOf(visit, selector)), 20_000).catch(
    async (error) => {
      throw new Error(`${error.message}, but ${await textOf(visit, selector)}`);
    },
  );
}

async function isOk(visit: Visit): Promise<void> {
  await matches(visit, "#health", /^● ok: (all \d+ nodes|the node is) up, nothing lost /);
}

async function textOf(visit: Visit, selector: string): Promise<string> {
  return (await visit.page.locator(selector).first().textContent()) ?? "";
}

async function rows(visit: Visit): Promise<string[]> {
  return await visit.page.locator("tbody tr").allInnerTexts();
}

/** The nodes whose shares are shown, by their numbers. */
async function sharesOf(visit: Visit): Promise<string[]> {
  return await visit.page.locator("#ring .badge").allTextContents();
}

async function valueNow(visit: Visit): Promise<string | null> {
  return await visit.page.locator(".chart").first().getAttribute("aria-valuenow");
}
