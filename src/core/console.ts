/** The console's language: commands in, answers out. Sockets and timers are io/console.ts's business. */
import type { Config } from "./config.ts";
import { statsOf, type View } from "./stats.ts";

/** What the commands can see and change. */
export interface Desk {
  readonly config: Config;
  view(): View;
  memory(): MemoryFigures;
  /** What `health` answers: settable by the operator, to take the proxy out of a load balancer. */
  health: "up" | "down";
}

export interface MemoryFigures {
  readonly heapUsedBytes: number;
  readonly heapCapacityBytes: number;
  readonly residentBytes: number;
  readonly objects: number;
}

export interface Answer {
  readonly text: string;
  /** The connection ends after this answer. */
  readonly close?: true;
}

interface Command {
  readonly usage: string;
  readonly meaning: string;
  /** Undefined: the arguments are not understood. */
  run(words: readonly string[], desk: Desk): Answer | undefined;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  ping: {
    usage: "ping",
    meaning: "answers pong",
    run: noWords(() => "pong\n"),
  },
  stats: {
    usage: "stats",
    meaning: "every counter",
    run: noWords((desk) => statsText(desk.view())),
  },
  memstats: {
    usage: "memstats",
    meaning: "memory of the process",
    run: noWords((desk) => memoryText(desk.memory())),
  },
  config: {
    usage: "config",
    meaning: "the configuration in force, defaults included",
    run: noWords((desk) => `${JSON.stringify(desk.config, null, 2)}\n`),
  },
  health: {
    usage: "health [up|down]",
    meaning: "what health checks of this proxy are told",
    run: (words, desk) => {
      if (words.length > 1) return undefined;
      const wanted = words[0]?.toLowerCase();
      if (wanted === "up" || wanted === "down") desk.health = wanted;
      else if (wanted !== undefined) return undefined;
      return { text: `health: ${desk.health}\n` };
    },
  },
  status: {
    usage: "status",
    meaning: "uptime in seconds, and the nodes in the ring",
    run: noWords((desk) => {
      const { uptimeSeconds, nodes } = desk.view();
      const up = nodes.filter(({ isUp }) => isUp).map(({ label }) => label);
      return `uptime: ${Math.floor(uptimeSeconds)}\nnodes: ${up.join(" ")}\n`;
    }),
  },
  help: {
    usage: "help",
    meaning: "this list",
    run: noWords(() => helpText()),
  },
  quit: {
    usage: "quit",
    meaning: "ends the connection",
    run: (words) => (words.length === 0 ? { text: "", close: true } : undefined),
  },
};

const UNKNOWN: Answer = { text: "unknown command\n" };

/** The answer to one line, without its line end. An empty line has none. */
export function answer(line: string, desk: Desk): Answer | undefined {
  const [name, ...words] = wordsOf(line);
  if (name === undefined) return undefined;
  return commandOf(name)?.run(words, desk) ?? UNKNOWN;
}

/**
 * Whether text that came without a line end should be taken for a line once its sender pauses. Not while it is only
 * the beginning of a command: the rest may be on its way.
 */
export function looksComplete(text: string): boolean {
  const words = wordsOf(text);
  if (words.length !== 1) return words.length > 1;
  const name = words[0].toLowerCase();
  return commandOf(name) !== undefined || !Object.keys(COMMANDS).some((command) => command.startsWith(name));
}

function commandOf(name: string): Command | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(COMMANDS, lower) ? COMMANDS[lower] : undefined;
}

function wordsOf(line: string): string[] {
  return line.split(/\s+/).filter((word) => word !== "");
}

function noWords(text: (desk: Desk) => string): Command["run"] {
  return (words, desk) => (words.length === 0 ? { text: text(desk) } : undefined);
}

/** The first two lines are those of go-statsd-proxy, and the rest goes on in its form: `name: value`, as C's `%f`. */
function statsText(view: View): string {
  const lines = statsOf(view).map(([name, value]) => `${name}: ${value.toFixed(6)}`);
  return `${[`time running in seconds: ${Math.floor(view.uptimeSeconds)}`, ...lines].join("\n")}\n`;
}

/** go-statsd-proxy's labels, of those figures that this runtime has: it counts no mallocs, frees or pointer look-ups. */
function memoryText(memory: MemoryFigures): string {
  return [
    `bytes allocated and in use: ${memory.heapUsedBytes}`,
    `bytes obtained from system: ${memory.residentBytes}`,
    `bytes allocated and still in use: ${memory.heapUsedBytes}`,
    `bytes in idle spans: ${Math.max(0, memory.heapCapacityBytes - memory.heapUsedBytes)}`,
    `bytes in non-idle span: ${memory.heapUsedBytes}`,
    `total number of allocated objects: ${memory.objects}`,
    "",
  ].join("\n");
}

function helpText(): string {
  const width = Math.max(...Object.values(COMMANDS).map(({ usage }) => usage.length));
  const lines = Object.values(COMMANDS).map(({ usage, meaning }) => `  ${usage.padEnd(width)}  ${meaning}`);
  return `Commands: ${Object.keys(COMMANDS).join(", ")}\n\n${lines.join("\n")}\n\n`;
}
