/** Asks the running proxy for its health from outside, the way an operator would: over its console. */
import { connect } from "node:net";
import { Command } from "@commander-js/extra-typings";
import { configFrom, DEFAULT_FILE, fileNamed } from "../config/file.io.ts";
import { escapeBytes } from "../text/escape.ts";
import { hostPort } from "../text/hostPort.ts";
import { type Address, addressOf, consoleOf } from "./address.ts";

/** With the start of the process, the result is there in about a second. */
const TIMEOUT_MS = 800;
/** The answer is no longer than this. */
const ANSWER_BYTES_MAX = 64;

export const healthcheckCommand = new Command("healthcheck")
  .description("Asks a running proxy for its health. Exits 0 if the answer is `health: up`, 1 otherwise.")
  .argument("[address]", "address of the console, HOST:PORT or PORT (default: as in the configuration file)", addressOf)
  .option(
    "-f, --file <file>",
    `the proxy's configuration file, if no address is given (default: ${DEFAULT_FILE})`,
    fileNamed,
  )
  .option("--alive", "accept any answer, even `health: down`")
  .action(async (given, { file, alive }, command) => {
    // `-f` before the command means the same.
    const address = given ?? consoleIn(file ?? (command.parent?.getOptionValue("file") as string | undefined));
    process.exit(address !== undefined && (await passes(address, alive === true)) ? 0 : 1);
  });

/** What a file says need not be in force any more; and if it is broken, nothing can be asked at all. */
function consoleIn(file: string | undefined): Address | undefined {
  const config = configFrom(file);
  return config && consoleOf(config);
}

async function passes(address: Address, alive: boolean): Promise<boolean> {
  try {
    const answer = await askHealth(address);
    console.log(escapeBytes(Buffer.from(answer, "latin1")));
    return (alive ? /^health: (up|down)$/ : /^health: up$/).test(answer);
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
