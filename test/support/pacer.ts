/**
 * The process behind pace.ts: sends so many datagrams a second to a UDP port, evenly, until its standard input ends or
 * its time is up, and says in the end how many it sent.
 */

const TIME_MS = 60_000;
/** Behind time it catches up by no more at once: a burst would be another test. */
const AT_ONCE_MAX = 20;

const [port, rate, bytes] = process.argv.slice(2).map(Number);
const line = "paced.metrics.of.a.service:1|c|#env:test\n";
const datagram = bytes > 0 ? Buffer.concat([Buffer.alloc(bytes, "n"), Buffer.from(":1|c")]) : Buffer.from(line);
const socket = await Bun.udpSocket({
  connect: { hostname: "127.0.0.1", port },
  socket: { data: () => {}, error: () => {} },
});

let ended = false;
let sent = 0;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();
process.stdout.write("pacing\n");
let fromMs = performance.now();
const endMs = fromMs + TIME_MS;
let due = 0;
while (!ended && performance.now() < endMs) {
  const nowMs = performance.now();
  due = Math.min(AT_ONCE_MAX, due + ((nowMs - fromMs) * rate) / 1000);
  fromMs = nowMs;
  for (; due >= 1; due--) if (socket.send(datagram)) sent++;
  await Bun.sleep(1);
}
process.stdout.write(`${sent}\n`);
process.exit(0);
