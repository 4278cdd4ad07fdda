/** A loop is noticed while it runs, with the compiled binary: by what is logged, and by what operators are told. */
import { expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { openBackends } from "../support/backend.ts";
import { ask, send, stats } from "../support/client.ts";
import { startPace } from "../support/pace.ts";
import { startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

/** A relay that sends whatever it gets to the proxy. */
async function relayBackTo(): Promise<{ port: number; to: { port: number } }> {
  const to = { port: 0 };
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (socket, bytes) => void (to.port && socket.send(bytes, to.port, "127.0.0.1")) },
  });
  onTestFinished(() => socket.close());
  return { port: socket.port, to };
}

test("a node that relays back is noticed, named, and over when it no longer does", async () => {
  const [backend] = await openBackends(1);
  const back = await relayBackTo();
  const looping = { host: "127.0.0.1", port: back.port, name: "looping" };
  const proxy = await startProxy({ nodes: [backend.node, looping] });
  back.to.port = proxy.port;
  const names = Array.from({ length: 20 }, (_, i) => `name.${i}:1|c`);
  await send(proxy, names);
  // Nobody is asked before the log says it.
  expect(await proxy.line("event=loop ")).toContain("through=looping");
  expect(await ask(proxy, "status")).toContain(
    "what arrives stops whenever nothing is sent to looping: does it relay back",
  );
  expect(await stats(proxy)).toMatchObject({ loop: 1, healthy: 0, lines_dropped: 0 });
  back.to.port = 0;
  await proxy.line("event=loop_over");
  const { lines_received: received, lines_pending: pending } = await stats(proxy);
  expect(await stats(proxy)).toMatchObject({ loop: 0, lines_relayed: received - pending });
});

test("200 or 5,000 lines a second that clients send are no loop, and every one arrives", async () => {
  // Side by side: it is a matter of seconds, and hardly of work.
  await Promise.all([200, 5000].map(isNoLoop));
});

async function isNoLoop(rate: number): Promise<void> {
  const backends = await openBackends(3);
  const proxy = await startProxy({ nodes: backends.map(({ node }) => node) });
  const pace = await startPace(proxy.port, rate);
  // Two trials take 2.6 s.
  await until("some seconds", async () => (await stats(proxy))["time running in seconds"] >= 5);
  const sent = await pace.end();
  await until("every line", () => backends.reduce((sum, { lines }) => sum + lines.length, 0) === sent);
  expect(await stats(proxy)).toMatchObject({ loop: 0, lines_received: sent, lines_relayed: sent });
  expect(proxy.lines.join("\n")).not.toContain("event=loop");
}
