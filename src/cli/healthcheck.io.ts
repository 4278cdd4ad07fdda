/** Asks the running proxy for its health from outside, the way an operator would: over its console. */
import { connect } from "node:net";
import { escapeBytes } from "../text/escape.ts";
import { hostPort } from "../text/hostPort.ts";
import type { Address } from "./address.ts";

/** With the start of the process, the result is there in about a second. */
const TIMEOUT_MS = 800;
/** The answer is no longer than this. */
const ANSWER_BYTES_MAX = 64;

/** Prints the answer, or why there is none. @param isAliveEnough whether any answer passes, even `health: down` */
export async function passes(address: Address, isAliveEnough: boolean): Promise<boolean> {
  try {
    const answer = await askHealth(address);
    console.log(escapeBytes(Buffer.from(answer, "latin1")));
    return (isAliveEnough ? /^health: (up|down)$/ : /^health: up$/).test(answer);
  } catch (error) {
    console.error((error as Error).message);
    return false;
  }
}

/** The first line of the console's answer to `health`. @throws Error with a one-line message why there is none */
async function askHealth({ host, port }: Address): Promise<string> {
  const socket = connect({ host, port });
  let answer = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`${hostPort(host, port)}: ${reason}`));
      timer = setTimeout(() => fail("no answer"), TIMEOUT_MS);
      socket.on("connect", () => socket.write("health\n"));
      socket.on("data", (bytes) => {
        answer += bytes.toString("latin1");
        const [line, ...more] = answer.split("\n");
        if (more.length > 0) resolve(line);
        else if (answer.length > ANSWER_BYTES_MAX) fail("not a statsd-proxy's answer");
      });
      socket.on("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
      socket.on("close", () => fail("closed without an answer"));
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
