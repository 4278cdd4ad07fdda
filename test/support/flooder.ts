/**
 * The process behind flood.ts: floods a UDP port until its standard input ends (exit code 0) or its time is up (1), and
 * says in the end how many datagrams it sent.
 */

const TIME_MS = 30_000;
const DATAGRAM_BYTES = 1400;

const [host, port] = process.argv.slice(2);
const line = "flood.of.metrics:1|c|#env:test\n";
const datagram = Buffer.from(line.repeat(DATAGRAM_BYTES / line.length));
const datagrams = Array.from({ length: 64 }, () => datagram);
const socket = await Bun.udpSocket({
  hostname: host.includes(":") ? "::" : "0.0.0.0",
  connect: { hostname: host, port: Number(port) },
  socket: { data: () => {}, error: () => {} },
});

let ended = false;
let sent = 0;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();
process.stdout.write("flooding\n");
const endMs = performance.now() + TIME_MS;
while (!ended && performance.now() < endMs) {
  try {
    for (let i = 0; i < 16; i++) sent += socket.sendMany(datagrams);
  } catch {}
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`${sent}\n`);
process.exit(ended ? 0 : 1);
