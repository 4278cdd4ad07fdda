/** Asks the running proxy for its health from outside, the way an operator would: over its console. */
import { connect, isIP } from "node:net";
import { Command } from "@commander-js/extra-typings";
import type { Config } from "../config/config.ts";
import { configFrom, DEFAULT_FILE } from "../config/file.io.ts";
import { escapeBytes } from "../text/escape.ts";
import { hostPort } from "../text/hostPort.ts";

/** Including the start of the process, the result is there within a second. */
const TIMEOUT_MS = 800;
/** The answer is no longer than this. */
const ANSWER_BYTES_MAX = 64;

export const healthcheckCommand = new Command("healthcheck")
  .description(
    "Asks the proxy running with the same file for its health. Exits 0 if the answer is `health: up`, 1 otherwise.",
  )
  .option("-f, --file <file>", `configuration file, JSON5 (default: ${DEFAULT_FILE})`)
  .option("--alive", "accept any answer, even `health: down`")
  .action(async ({ file, alive }, command) => {
    // `-f` before the command means the same.
    const config = configFrom(file ?? (command.parent?.getOptionValue("file") as string | undefined));
    process.exit(config !== undefined && (await passes(config, alive === true)) ? 0 : 1);
  });

async function passes(config: Config, alive: boolean): Promise<boolean> {
  try {
    const answer = await askHealth(config);
    console.log(escapeBytes(Buffer.from(answer, "latin1")));
    return (alive ? /^health: (up|down)$/ : /^health: up$/).test(answer);
  } catch (error) {
    console.error((error as Error).message);
    return false;
  }
}

/** The first line of the console's answer to `health`. @throws Error with a one-line message why there is none */
async function askHealth({ managementhost, managementport }: Config): Promise<string> {
  const host = reachable(managementhost);
  const socket = connect({ host, port: managementport });
  let answer = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`${hostPort(host, managementport)}: ${reason}`));
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

/** Replaces an address that means every interface by one to connect to. */
function reachable(host: string): string {
  if (isIP(host) === 4 && /^[0.]+$/.test(host)) return "127.0.0.1";
  if (isIP(host) === 6 && /^[0:]+$/.test(host)) return "::1";
  return host;
}
