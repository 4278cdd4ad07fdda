/** Asks a console. */
import { connect } from "node:net";

const PATIENCE_MS = 10_000;

/** @throws if there is no whole answer */
export async function askConsole(port: number, command: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let text = "";
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(`${command}\nquit\n`));
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`the console does not answer ${command}`)));
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}
