/** The network under the proxy changes: its own address, its device, its routes. Metrics go on by themselves. */
import { expect, setDefaultTimeout } from "bun:test";
import { Backend } from "../support/backend.ts";
import { send, stats } from "../support/client.ts";
import { CABLE, Host, needingNetns } from "../support/hosts.ts";
import { type RunningProxy, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const NODE = "10.77.0.2:8125";
const ROUND = 100;

/** What is done to the network of the proxy's host. When the last step is done metrics can pass again. */
const CHANGES: Record<string, ((host: Host) => Promise<unknown>)[]> = {
  "the address goes, and another one comes": [
    (host) => host.ip("addr", "del", "10.77.0.1/24", "dev", CABLE),
    (host) => host.ip("addr", "add", "10.77.0.9/24", "dev", CABLE),
  ],
  "another address comes, and the first one goes": [
    (host) => host.run("sysctl", "-qw", `net.ipv4.conf.${CABLE}.promote_secondaries=1`),
    (host) => host.ip("addr", "add", "10.77.0.9/24", "dev", CABLE),
    (host) => host.ip("addr", "del", "10.77.0.1/24", "dev", CABLE),
  ],
  "the device goes down and up": [
    (host) => host.ip("link", "set", CABLE, "down"),
    (host) => host.ip("link", "set", CABLE, "up"),
  ],
  "the route goes and comes back": [
    (host) => host.ip("route", "del", "10.77.0.0/24"),
    (host) => host.ip("route", "add", "10.77.0.0/24", "dev", CABLE),
  ],
  "sending is prohibited, and no longer": [
    (host) => host.ip("route", "add", "prohibit", "10.77.0.2"),
    (host) => host.ip("route", "del", "prohibit", "10.77.0.2"),
  ],
};

needingNetns.describe("what is sent arrives again after", () => {
  for (const [change, steps] of Object.entries(CHANGES)) {
    needingNetns.test(change, async () => {
      const scene = await Scene.open();
      await scene.allArrives(await scene.round());
      const openFiles = scene.proxy.openFiles();
      for (const step of steps) {
        await step(scene.near);
        await scene.round();
      }
      // No longer than about a second; here in rounds, which take less than that.
      await until("a round without a loss", async () => {
        const { lines_dropped } = await scene.stats();
        await scene.round();
        return (await scene.stats()).lines_dropped === lines_dropped;
      });
      const names = [await scene.round(), await scene.round(), await scene.round()];
      for (const name of names) await scene.allArrives(name);
      const figures = await scene.stats();
      expect(figures.lines_relayed + figures.lines_dropped).toBe(figures.lines_accepted);
      expect(figures["lines_dropped.send_error"]).toBe(figures.lines_dropped);
      expect(figures[`node.${NODE}.refusals`]).toBe(0);
      expect(scene.proxy.openFiles()).toBeLessThanOrEqual(openFiles);
    });
  }
});

needingNetns.test("between an old address and a new one not a single line is lost", async () => {
  const scene = await Scene.open();
  await scene.allArrives(await scene.round());
  for (const step of CHANGES["the address goes, and another one comes"]) await step(scene.near);
  await scene.allArrives(await scene.round());
  const figures = await scene.stats();
  expect(figures).toMatchObject({ lines_relayed: 2 * ROUND, lines_dropped: 0, lines_pending: 0 });
  expect(figures[`node.${NODE}.send_errors`]).toBe(1);
  expect(scene.backend.lines).toHaveLength(2 * ROUND);
});

needingNetns.test("a network that is gone is said with its errno and counted, and so is that it is back", async () => {
  const scene = await Scene.open();
  await scene.near.ip("addr", "del", "10.77.0.1/24", "dev", CABLE);
  await scene.round();
  await scene.round();
  expect(await scene.proxy.line("event=send_failed")).toContain(
    `level=warn event=send_failed node=${NODE} errno=ENETUNREACH`,
  );
  expect((await scene.stats())[`node.${NODE}.send_errors`]).toBeGreaterThan(1);
  expect(scene.said("event=send_failed")).toBe(1);
  await scene.near.ip("addr", "add", "10.77.0.9/24", "dev", CABLE);
  await until("that it is back", async () => {
    await scene.round();
    return scene.said(`event=send_recovered node=${NODE}`) === 1;
  });
  expect(scene.said("event=send_failed")).toBe(1);
});

needingNetns.test("a backend's host that is gone is an error with its errno, and no refusal", async () => {
  const scene = await Scene.open();
  await scene.far.ip("addr", "del", "10.77.0.2/24", "dev", CABLE);
  // The kernel asks thrice, a second apart, who has the address.
  await until("the error", async () => {
    await scene.round();
    return scene.said(`event=send_failed node=${NODE} errno=EHOSTUNREACH`) === 1;
  });
  const figures = await scene.stats();
  expect(figures[`node.${NODE}.send_errors`]).toBeGreaterThan(0);
  expect(figures[`node.${NODE}.refusals`]).toBe(0);
  await scene.far.ip("addr", "add", "10.77.0.2/24", "dev", CABLE);
  await until("a round that arrives", async () => {
    const name = await scene.round();
    return await scene.allArrives(name, 500).then(
      () => true,
      () => false,
    );
  });
});

needingNetns.test("the proxy's own metrics arrive again as well", async () => {
  const scene = await Scene.open({ selfMetrics: { prefix: "self", interval: 100 } });
  await until("some", () => scene.arrived("self.").length > 0);
  await scene.near.ip("addr", "del", "10.77.0.1/24", "dev", CABLE);
  await until("losses", async () => (await scene.stats()).lines_self_dropped > 0);
  scene.backend.clear();
  await scene.near.ip("addr", "add", "10.77.0.9/24", "dev", CABLE);
  await until("some again", () => scene.arrived("self.").length > 0);
});

/** A backend on the far host, and a proxy on the near one. */
class Scene {
  readonly near: Host;
  readonly far: Host;
  readonly backend: Backend;
  readonly proxy: RunningProxy;
  private rounds = 0;

  private constructor(near: Host, far: Host, backend: Backend, proxy: RunningProxy) {
    this.near = near;
    this.far = far;
    this.backend = backend;
    this.proxy = proxy;
  }

  static async open(settings: object = {}): Promise<Scene> {
    const [near, far] = await Host.openTwo();
    const backend = await far.inside(() => Backend.open({ host: far.address, port: 8125 }));
    const proxy = await near.inside(() => startProxy({ nodes: [backend.node], ...settings }));
    return new Scene(near, far, backend, proxy);
  }

  /** Sends metrics of a name that no others have, and returns it. */
  async round(): Promise<string> {
    const name = `round${this.rounds++}`;
    const lines = Array.from({ length: ROUND }, (_, i) => `${name}:${i}|c`);
    await this.near.inside(() => send(this.proxy, lines));
    return name;
  }

  async stats(): Promise<Record<string, number>> {
    return await this.near.inside(() => stats(this.proxy));
  }

  arrived(beginning: string): string[] {
    return this.backend.lines.filter((line) => line.startsWith(beginning));
  }

  async allArrives(name: string, deadlineMs?: number): Promise<void> {
    await until(`all of ${name}`, () => this.arrived(`${name}:`).length === ROUND, deadlineMs);
  }

  /** How often it was said. */
  said(text: string): number {
    return this.proxy.lines.filter((line) => line.includes(text)).length;
  }
}
