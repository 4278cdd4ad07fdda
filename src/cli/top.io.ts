/** `statsd-proxy top`: a live view of a running proxy, over its console. */
import { hostPort } from "../text/hostPort.ts";
import type { Address } from "./address.ts";
import { ConsoleClient, NO_CONSOLE } from "./consoleClient.io.ts";
import { Screen } from "./screen.io.ts";
import { frameOf } from "./topFrame.ts";
import { type Sample, sampleOf } from "./topSample.ts";
import { afterKeys, FIRST_VIEW } from "./topView.ts";

const WINDOW_MS = 10_500;
/** Beyond the interval: an answer takes a while. */
const FRESH_MS = 2000;

export interface TopOptions {
  readonly intervalMs: number;
  /** Number of frames to show. */
  readonly count: number;
  /** No terminal control sequences. */
  readonly plain: boolean;
}

/** Shows frames until there were enough. A failure is printed, and the process will exit with 1. */
export async function top(address: Address, options: TopOptions): Promise<void> {
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
  const { intervalMs, count, plain, shownAddress: address } = options;
  let samples = [first];
  let answeredMs = Date.now();
  const screen = new Screen(plain);
  let failure: string | undefined;
  let view = FIRST_VIEW;
  const noAnswer = () => {
    const seconds = Math.floor((Date.now() - answeredMs) / 1000);
    if (failure === undefined && 1000 * seconds < intervalMs + FRESH_MS) return undefined;
    return `NO ANSWER for ${seconds} s, the figures are out of date: ${failure ?? "it hangs"}`;
  };
  const draw = () =>
    screen.draw((linesMax, columnsMax) => {
      const [before, now] = [samples.length > 1 ? samples[0] : undefined, samples[samples.length - 1]];
      return frameOf({ address, before, now, linesMax, columnsMax, view, noAnswer: noAnswer() });
    });
  screen.open(draw, (keys) => {
    const wasTyping = view.isTyping;
    view = afterKeys(view, keys);
    draw();
    return !wasTyping;
  });
  // A question that hangs must not keep the screen from saying so.
  const ageing = plain ? undefined : setInterval(() => noAnswer() !== undefined && draw(), 1000);
  // In plain mode, the first frame waits until there are rates to show.
  let shown = 0;
  if (!plain) {
    draw();
    shown++;
  }
  while (shown < count && (await screen.wait(intervalMs))) {
    try {
      samples = withinWindow(samples, await sample(client));
      [answeredMs, failure] = [Date.now(), undefined];
    } catch (error) {
      failure = `${address}: ${(error as Error).message}`;
    }
    draw();
    shown++;
  }
  clearInterval(ageing);
  screen.close();
}

/** Rates are those of the last ten seconds; of none, if the proxy was restarted. */
function withinWindow(samples: readonly Sample[], next: Sample): Sample[] {
  const last = samples[samples.length - 1];
  if (next.uptime_ms < last.uptime_ms) return [next];
  const recent = samples.slice(0, -1).filter(({ uptime_ms }) => next.uptime_ms - uptime_ms <= WINDOW_MS);
  return [...recent, last, next];
}

async function sample(client: ConsoleClient): Promise<Sample> {
  const found = sampleOf(await client.ask("status json"));
  if (found === undefined) throw new Error(NO_CONSOLE);
  return found;
}
