/** The process behind flood.ts: floods a UDP port until its standard input ends (exit code 0) or its time is up (1). */

const [port, datagramBytes, timeMs] = process.argv.slice(2).map(Number);
const line = "flood.of.metrics:1|c|#env:test\n";
const datagram = Buffer.from(line.repeat(Math.ceil(datagramBytes / line.length)).slice(0, datagramBytes));
const datagrams = Array.from({ length: 64 }, () => datagram);
const socket = await Bun.udpSocket({
  connect: { hostname: "127.0.0.1", port },
  socket: { data: () => {}, error: () => {} },
});

let ended = false;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();
process.stdout.write("flooding\n");
const endMs = performance.now() + timeMs;
while (!ended && performance.now() < endMs) {
  try {
    for (let i = 0; i < 16; i++) socket.sendMany(datagrams);
  } catch {}
  await new Promise((resolve) => setImmediate(resolve));
}
process.exit(ended ? 0 : 1);
