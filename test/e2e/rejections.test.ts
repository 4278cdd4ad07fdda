/** Who sends lines that are no metrics is in the log, with an example, at a trickle and while the proxy is busy. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { openBackends } from "../support/backend.ts";
import { PacedSender } from "../support/pacedSender.ts";
import { IPV6_HERE, silentSocket } from "../support/ports.ts";
import { startProxy } from "../support/process.ts";

setDefaultTimeout(30_000);

/** More than are read at once, so that one of them is read after the kernel was asked who sends them. */
const BAD = 200;

test.each([0, 10_000])("with %d good datagrams a second", async (datagramsPerSecond) => {
  const backends = await openBackends(1);
  const proxy = await startProxy({ nodes: backends.map(({ node }) => node), receiveBuffer: 4_194_304 });
  if (datagramsPerSecond > 0) {
    const load = await PacedSender.start({ port: proxy.port, datagramsPerSecond, linesPerDatagram: 1 });
    load.go();
    // It is busy by then.
    await Bun.sleep(1000);
  }
  const bad = await silentSocket({ connect: { hostname: "127.0.0.1", port: proxy.port } });
  for (let i = 0; i < BAD; i++) bad.send(i % 2 === 0 ? `no.colon\x1b${i}` : `odd.${i}:1|zz`);
  const line = await proxy.line("event=rejecting_lines");
  expect(line).toMatch(/ lines=(\d+) total=\1 no_colon=\d+ unknown_type=\d+ example=\S+ from=\S+$/);
  expect(line).toMatch(/ example=(no\.colon\\x1b\d+|odd\.\d+:1\|zz) /);
  expect(line).toEndWith(` from=127.0.0.1:${bad.port}`);
  bad.close();
});

test.skipIf(!IPV6_HERE)("over IPv6", async () => {
  const backends = await openBackends(1);
  const proxy = await startProxy({ nodes: backends.map(({ node }) => node), host: "::1" });
  const bad = await silentSocket({ hostname: "::", connect: { hostname: "::1", port: proxy.port } });
  bad.send("bad");
  expect(await proxy.line("event=rejecting_lines")).toEndWith(`no_colon=1 example=bad from=[::1]:${bad.port}`);
  bad.close();
});
