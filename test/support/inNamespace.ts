/**
 * The process behind netns.ts: it keeps a network namespace alive, and asks consoles from inside. A request is a line of
 * JSON on its standard input, `{ port, command }`; the answer is one, too: a string, or null if none came. It ends with its
 * standard input, and the namespace with it and with whatever else runs inside.
 */
import { connect } from "node:net";
import { createInterface } from "node:readline";

console.log("ready");
for await (const request of createInterface({ input: process.stdin })) {
  const { port, command } = JSON.parse(request);
  console.log(JSON.stringify(await ask(port, command)));
}
process.exit(0);

function ask(port: number, command: string): Promise<string | null> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(`${command}\nquit\n`));
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
    });
    socket.on("error", () => resolve(null));
    socket.on("close", () => resolve(answer));
  });
}
