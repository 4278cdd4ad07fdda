/** Clients of the console and of HTTP that behave badly for a while, all at once. */
import { connect, type Socket } from "node:net";

/** What each kind does with a connection. */
const RUDE: Readonly<Record<"console" | "http", readonly ((socket: Socket) => void)[]>> = {
  console: [
    // Ask on and on, and read everything, or nothing.
    (socket) => keepSending(socket, "stats\nnodes\nconfig\nstatus json\n".repeat(20)),
    (socket) => keepSending(socket.pause(), "stats\n".repeat(500)),
    (socket) => keepSending(socket, `route ${"a ".repeat(1500)}\n`.repeat(4)),
    (socket) => socket.write("tap *n*n*n*n*x 10000\n"),
    (socket) => socket.write("x".repeat(100_000)),
    (socket) => socket.write('route "never closed'),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end("help"),
    () => {},
  ],
  http: [
    (socket) => keepSending(socket, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50)),
    (socket) => keepSending(socket.pause(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200)),
    (socket) => keepSending(socket, "GET /stats.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50)),
    (socket) => socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(15_000)}`),
    (socket) => socket.write(crypto.getRandomValues(Buffer.alloc(4096))),
    (socket) => socket.end("GET /stats.json HTTP/1.0\r\n\r\n"),
    (socket) => socket.resetAndDestroy(),
    () => {},
  ],
};
const CLIENTS_OF_EACH = 4;
/** Who is cut comes again. */
const AGAIN_MS = 20;

export async function beRude(kind: "console" | "http", port: number, ms: number): Promise<void> {
  const open = new Set<Socket>();
  let isOver = false;
  const come = (act: (socket: Socket) => void) => {
    const socket = connect({ host: "127.0.0.1", port }, () => act(socket));
    open.add(socket);
    socket.on("data", () => {});
    socket.on("error", () => {});
    socket.on("close", () => {
      open.delete(socket);
      if (!isOver) setTimeout(() => isOver || come(act), AGAIN_MS);
    });
  };
  for (const act of RUDE[kind]) for (let i = 0; i < CLIENTS_OF_EACH; i++) come(act);
  await Bun.sleep(ms);
  isOver = true;
  for (const socket of open) socket.destroy();
}

function keepSending(socket: Socket, text: string): void {
  const send = () => {
    if (!socket.destroyed) socket.write(text, () => setTimeout(send, 1));
  };
  send();
}
