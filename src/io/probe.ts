/** One health check of a node: asks its management port for `health`, as Etsy's proxy does. */
import { connect } from "node:net";

/** Nothing that answers `health` needs more. */
const ANSWER_BYTES_MAX = 4096;

export interface Probe {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/**
 * Connects, asks, and calls `done` exactly once: with undefined when the answer holds `up`, else with the reason. The
 * connection is gone by then. Returns a function that ends the check early and silently.
 *
 * node:net, because Bun.connect has no way to give up a connection that is still being made (Bun 1.4.5): against a host
 * that drops packets each check would leave a socket behind for two minutes.
 */
export function probe({ host, port, timeoutMs }: Probe, done: (failure: string | undefined) => void): () => void {
  let answer = "";
  let over = false;
  const socket = connect({ host, port });
  const timer = setTimeout(() => finish(answer === "" ? "no answer" : "answer without up"), timeoutMs);
  const abandon = () => {
    over = true;
    clearTimeout(timer);
    socket.destroy();
  };
  const finish = (failure: string | undefined) => {
    if (over) return;
    abandon();
    done(failure);
  };
  socket.on("connect", () => socket.write("health\r\n"));
  socket.on("data", (bytes) => {
    answer += bytes.toString("latin1");
    if (answer.includes("up")) finish(undefined);
    else if (answer.length > ANSWER_BYTES_MAX) finish("answer too long");
  });
  socket.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  socket.on("close", () => finish(answer === "" ? "closed without an answer" : "answer without up"));
  return abandon;
}
