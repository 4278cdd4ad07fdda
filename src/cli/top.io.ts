/** `statsd-proxy top`: a live view of a running proxy, over its console. */
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { configFrom, fileNamed } from "../config/file.io.ts";
import { hostPort } from "../text/hostPort.ts";
import { type Address, addressOf, consoleOf, DEFAULT_ADDRESS } from "./address.ts";
import { ConsoleClient, NO_CONSOLE } from "./consoleClient.io.ts";
import { Screen } from "./screen.io.ts";
import { frameOf, type Sample, sampleOf } from "./topFrame.ts";

export const topCommand = new Command("top")
  .description("Shows the rates, losses and nodes of a running proxy, live, as its console reports them.")
  .argument(
    "[address]",
    `address of the console, HOST:PORT or PORT (default: ${DEFAULT_ADDRESS.host}:${DEFAULT_ADDRESS.port})`,
    addressOf,
  )
  .option("-f, --file <file>", "take the console's address from the proxy's configuration file", fileNamed)
  .option("-i, --interval <seconds>", "time between frames", positive, 1)
  .option("-n, --count <frames>", "stop after this many frames", positive)
  .option(
    "--plain",
    "print plain text, without terminal control sequences (the default if standard output is not a terminal)",
  )
  .action(async (given, _, command) => {
    const { file, interval, count = Number.POSITIVE_INFINITY, plain } = command.optsWithGlobals();
    const address = given ?? (file === undefined ? DEFAULT_ADDRESS : consoleIn(file));
    if (address === undefined) process.exitCode = 1;
    else await top(address, { intervalMs: 1000 * interval, count, plain: plain === true || !process.stdout.isTTY });
  });

interface TopOptions {
  readonly intervalMs: number;
  /** Number of frames to show. */
  readonly count: number;
  readonly plain: boolean;
}

async function top(address: Address, options: TopOptions): Promise<void> {
  const client = new ConsoleClient(address.host, address.port);
  const shownAddress = hostPort(address.host, address.port);
  try {
    await show(client, await sample(client), { ...options, shownAddress });
  } catch (error) {
    console.error(`${shownAddress}: ${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    // Something else that listens there may keep the connection open, and with it this process.
    client.close();
  }
}

interface ShowOptions extends TopOptions {
  readonly shownAddress: string;
}

/** Shows frames until it has been enough. From now on, a proxy that is gone may come back. */
async function show(client: ConsoleClient, first: Sample, options: ShowOptions): Promise<void> {
  const { intervalMs, count, plain, shownAddress } = options;
  let before: Sample | undefined;
  let now = first;
  const screen = new Screen(plain);
  let failure: string | undefined;
  const draw = () =>
    screen.draw((linesMax) => [
      ...(failure === undefined ? [] : [{ text: `${shownAddress}: ${failure}`, alarm: true }]),
      ...frameOf({ address: shownAddress, before, now, linesMax: linesMax - (failure === undefined ? 0 : 1) }),
    ]);
  screen.open(draw);
  // In plain mode, the first frame waits until there are rates to show.
  let shown = 0;
  if (!plain) {
    draw();
    shown++;
  }
  while (shown < count && (await screen.wait(intervalMs))) {
    try {
      const next = await sample(client);
      [before, now, failure] = [next.uptime_ms > now.uptime_ms ? now : undefined, next, undefined];
    } catch (error) {
      failure = (error as Error).message;
    }
    draw();
    shown++;
  }
  screen.close();
}

async function sample(client: ConsoleClient): Promise<Sample> {
  const found = sampleOf(await client.ask("status json"));
  if (found === undefined) throw new Error(NO_CONSOLE);
  return found;
}

function consoleIn(file: string): Address | undefined {
  const config = configFrom(file);
  return config && consoleOf(config);
}

/** @throws InvalidArgumentError */
function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0 && value <= 86_400))
    throw new InvalidArgumentError("Expected a number above 0, at most 86400.");
  return value;
}
