/** The console's language: commands in, answers out. console/session.ts does the sockets and timers. */
import { version } from "../../package.json";
import { type Config, printedConfig } from "../config/config.ts";
import { NO_FILE } from "../config/problem.ts";
import { OPERATOR_WORDS, type OperatorWord } from "../health/nodeHealth.ts";
import { delayText } from "../observe/delayText.ts";
import { type NodeSetting, nodeSettingText } from "../observe/nodeSetting.ts";
import { healthOf } from "../observe/proxyHealth.ts";
import { nodeStatsOf, proxyStatsOf } from "../observe/readings.ts";
import { reloadFailureLine } from "../observe/reloadFailure.ts";
import { nodesJsonParts, type StatsSource, statusJsonParts } from "../observe/statusJson.ts";
import { verdictOf } from "../observe/verdict.ts";
import type { NodeView, View } from "../observe/view.ts";
import type { Destination } from "../placement/destination.ts";
import { memoizeLast } from "../placement/memoizeLast.ts";
import { NO_NODE_TEXT } from "../placement/owner.ts";
import type { MemoryFigures } from "../system/processFigures.ts";
import { escapeBytes } from "../text/escape.ts";
import { suggestion } from "../text/nearest.ts";
import { joinedBy, type Pieces, piecesOf } from "../text/pieces.ts";
import { counted } from "../text/quantities.ts";
import { tableParts } from "../text/table.ts";
import { NAMES_MS, NAMES_SHOWN_DEFAULT, NAMES_SHOWN_MAX, type NamesRequest } from "./nameCount.ts";
import { nodesLines, nodeText } from "./nodesText.ts";
import { selectionOf } from "./selection.ts";
import { TAP_LINES_DEFAULT, TAP_LINES_MAX, TAP_MS_MAX, type TapRequest } from "./tap.ts";
import { endsWithinCharacter, wordsOf } from "./words.ts";

/** What commands can see and change. */
export interface ConsoleContext {
  readonly config: Config;
  view(): View;
  /** The state that is shown as JSON. */
  source(): StatsSource;
  memory(): MemoryFigures;
  /** Where a name, or a whole line, goes. */
  destinationOf(asked: Buffer): Destination;
  /** Says how a node should be. Undefined: there is no node of that label. */
  setNode(label: string, word: OperatorWord): NodeSetting | undefined;
  /** Undefined: there are too many taps already. */
  tap(request: TapRequest): Stream | undefined;
  /** Counts the names that a node gets. Undefined: there are too many taps already. */
  names(request: NamesRequest): Stream | undefined;
  /** Reads the configuration again, and says what came of it; undefined: there is no file. Never throws. */
  readonly reload: (() => Promise<string>) | undefined;
  /** Operators can set it, to take the proxy out of a load balancer. */
  health: "up" | "down";
}

/** Output that keeps coming after an answer, for a while. */
export interface Stream {
  /** An empty line ends it. */
  readonly isTap: boolean;
  /**
   * Call this once. `write` returns false when the client does not keep up, which ends the stream; `end` is called with
   * the last text when the stream ends by itself.
   */
  begin(write: (text: string) => boolean, end: (last: string) => void): void;
  /** Ends it early and returns the last text. Neither function is called afterwards. */
  stop(): string;
}

export interface Answer extends Pieces {
  /** Follows the text; later commands wait for its end. */
  readonly stream?: Stream;
  /** The connection closes after this answer. */
  readonly close?: true;
}

interface Command {
  readonly usage: string;
  readonly meaning: string;
  /** Arguments without which the command is incomplete. */
  readonly wordsMin?: number;
  /** The possible values of the first argument, if there is a list. */
  readonly options?: readonly string[];
  /** Undefined: the arguments are invalid. */
  run(words: readonly string[], context: ConsoleContext): Answer | undefined;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  ping: {
    usage: "ping",
    meaning: "answer pong",
    run: noWords(() => "pong\n"),
  },
  stats: {
    usage: "stats [json]",
    meaning: "all counters",
    options: ["json"],
    run: textOrJson(
      (context) => piecesOf(statsLines(context.view())),
      (context) => piecesOf(flatStatsJson(context.view())),
    ),
  },
  memstats: {
    usage: "memstats",
    meaning: "memory use of the process",
    run: noWords((context) => memoryText(context.memory())),
  },
  config: {
    usage: "config [json]",
    meaning: "the configuration in force, defaults included; or the same in one line",
    options: ["json"],
    run: textOrJson(
      (context) => piecesOf(partsOf(configText(context.config))),
      (context) => piecesOf(partsOf(configLine(context.config))),
    ),
  },
  reload: {
    usage: "reload",
    meaning: "read the configuration file again, and say what that changes",
    run: (words, context) => {
      if (words.length > 0) return undefined;
      const { reload } = context;
      return reload === undefined ? { text: `${NO_FILE}\n` } : { text: "", stream: lateAnswer(reload) };
    },
  },
  nodes: {
    usage: "nodes [json]",
    meaning: "a table of the nodes; or the same as in the status over HTTP",
    options: ["json"],
    run: textOrJson(
      (context) => piecesOf(nodesLines(context.view())),
      (context) => piecesOf(nodesJsonLine(context.view())),
    ),
  },
  node: {
    usage: "node NAME [up|drain|down]",
    meaning: "show or set how a node is: drain passes its names on, down is as if its checks failed",
    wordsMin: 1,
    run: (words, context) => nodeAnswer(words, context),
  },
  route: {
    usage: "route NAME...",
    meaning: "the node that gets a name (or a whole line) now, and its owner when all nodes are up",
    wordsMin: 1,
    run: (words, context) => (words.length === 0 ? undefined : piecesOf(routeLines(words, context))),
  },
  tap: {
    usage: "tap [rejected] [PATTERN] [LIMIT]",
    meaning: "show lines as they pass, with their node; or rejected lines, with the reason",
    run: (words, context) => {
      const request = tapRequest(words);
      if (request === undefined) return undefined;
      const stream = context.tap(request);
      if (stream === undefined) return TOO_MANY_TAPS;
      return {
        text: `# up to ${counted(request.linesMax, "line")} in ${TAP_MS_MAX / 1000} s; an empty line stops it\n`,
        stream,
      };
    },
  },
  names: {
    usage: "names NODE [PATTERN] [LIMIT]",
    meaning: "count the names that a node gets for a while, and list them with their lines",
    wordsMin: 1,
    run: namesAnswer,
  },
  health: {
    usage: "health [up|down]",
    meaning: "show or set what health checks of this proxy are told",
    options: ["up", "down"],
    run: (words, context) => {
      if (words.length > 1) return undefined;
      const wanted = words[0]?.toLowerCase();
      if (wanted === "up" || wanted === "down") context.health = wanted;
      else if (wanted !== undefined) return undefined;
      const { health, reason } = healthOf(context.health, context.view());
      // Whoever only asks gets one line.
      const why = wanted === "up" && health === "down" ? `set up, but ${reason}\n` : "";
      return { text: `health: ${health}\n${why}` };
    },
  },
  status: {
    usage: "status [json]",
    meaning: "uptime in seconds and the live nodes; or the full state, as over HTTP",
    options: ["json"],
    run: textOrJson(
      (context) => ({ text: statusText(context.view()) }),
      (context) => piecesOf(statusJsonLine(context.source())),
    ),
  },
  version: {
    usage: "version",
    meaning: "the version of this proxy",
    run: noWords(() => `${version}\n`),
  },
  help: {
    usage: "help [COMMAND]",
    meaning: "this list, or what one command does",
    run: (words) => {
      if (words.length > 1) return undefined;
      const [name] = words;
      if (name === undefined) return { text: helpText() };
      const command = commandOf(name);
      return command === undefined ? unknown(name) : { text: `${command.usage}  ${command.meaning}\n` };
    },
  },
  quit: {
    usage: "quit",
    meaning: "close the connection",
    run: (words) => (words.length === 0 ? { text: "", close: true } : undefined),
  },
};

const TOO_MANY_TAPS: Answer = { text: "too many taps at once\n" };
const OPEN_QUOTE: Answer = { text: "a quote is not closed\n" };

/** The answer to one line, one character per byte, without its line end. An empty line has none. */
export function answer(line: string, context: ConsoleContext): Answer | undefined {
  const words = wordsOf(line);
  if (words === undefined) return OPEN_QUOTE;
  const [name, ...rest] = words;
  if (name === undefined) return undefined;
  const command = commandOf(name);
  if (command === undefined) return unknown(name);
  return command.run(rest, context) ?? { text: `usage: ${command.usage}\n` };
}

/**
 * Whether text without a line end should be taken for a line once its sender pauses. Not while it may be the beginning
 * of a command: the rest may be on its way.
 */
export function looksComplete(text: string): boolean {
  const words = wordsOf(text);
  if (words === undefined || words.length === 0) return false;
  const [name, ...rest] = words.map((word) => word.toLowerCase());
  const command = commandOf(name);
  if (command === undefined) return rest.length > 0 || !Object.keys(COMMANDS).some((known) => known.startsWith(name));
  if (rest.length < (command.wordsMin ?? 0) || endsWithinCharacter(text)) return false;
  if (rest.length !== 1 || command.options === undefined) return true;
  const [word] = rest;
  return command.options.includes(word) || !command.options.some((option) => option.startsWith(word));
}

function unknown(name: string): Answer {
  return { text: `unknown command${suggestion(name, Object.keys(COMMANDS))}\n` };
}

function commandOf(name: string): Command | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(COMMANDS, lower) ? COMMANDS[lower] : undefined;
}

function noWords(text: (context: ConsoleContext) => string): Command["run"] {
  return (words, context) => (words.length === 0 ? { text: text(context) } : undefined);
}

/** For a command with two forms: plain text, or JSON if followed by `json`. */
function textOrJson(
  text: (context: ConsoleContext) => Answer,
  json: (context: ConsoleContext) => Answer,
): Command["run"] {
  return (words, context) => {
    if (words.length === 0) return text(context);
    return words.length === 1 && words[0].toLowerCase() === "json" ? json(context) : undefined;
  };
}

/** Nodes per step: other work gets its turn in between. */
const NODES_PER_STEP = 8;

/**
 * The first two lines are go-statsd-proxy's, and the rest follows their form: `name: value`, like C's `%f`. All figures
 * of a node belong to the same moment.
 */
function* statsLines(view: View): Generator<string> {
  yield `time running in seconds: ${Math.floor(view.uptimeSeconds)}\n`;
  yield proxyStatsOf(view).map(figureLine).join("");
  yield* joinedBy(NODES_PER_STEP, view.nodes, (node) => {
    const prefix = `node.${node.label}.`;
    const figures = nodeStatsOf(node);
    return figures.map(([name, value]) => figureLine([prefix + name, value])).join("");
  });
}

function figureLine([name, value]: readonly [string, number]): string {
  return `${name}: ${value.toFixed(6)}\n`;
}

/** The same figures as one JSON object on one line. */
function* flatStatsJson(view: View): Generator<string> {
  const uptime = { uptime_seconds: Number(view.uptimeSeconds.toFixed(3)) };
  yield JSON.stringify({ ...uptime, ...Object.fromEntries(proxyStatsOf(view)) }).slice(0, -1);
  yield* joinedBy(NODES_PER_STEP, view.nodes, (node) => {
    const prefix = `node.${node.label}.`;
    const figures = nodeStatsOf(node);
    return figures.map(([name, value]) => `,${JSON.stringify(prefix + name)}:${value}`).join("");
  });
  yield "}\n";
}

/** The line about the configuration is there only while a later one could not take over. */
function statusText(view: View): string {
  const { uptimeSeconds, nodes, configuration, delay } = view;
  const up = nodes.filter(({ isUp }) => isUp).map(({ label }) => label);
  const { line, troubles } = verdictOf(view);
  return [
    `uptime: ${Math.floor(uptimeSeconds)}`,
    `nodes: ${up.join(" ")}`,
    `verdict: ${line}`,
    ...troubles.slice(1).map((other) => `also: ${other.line}`),
    delayText({
      ...{ delay_p50_seconds: delay?.p50Seconds, delay_p99_seconds: delay?.p99Seconds },
      delays_measured: delay?.count,
    }),
    reloadFailureLine(configuration),
  ].join("\n");
}

function* statusJsonLine(source: StatsSource): Generator<string> {
  yield* statusJsonParts(source);
  yield "\n";
}

function* nodesJsonLine(view: View): Generator<string> {
  yield "[";
  yield* nodesJsonParts(view);
  yield "]\n";
}

/** An answer that is not there yet. Commands behind it wait for it. */
function lateAnswer(answer: () => Promise<string>): Stream {
  let isStopped = false;
  return {
    isTap: false,
    begin: (_, end) => {
      const tell = (text: string) => {
        if (!isStopped) end(text);
      };
      void answer().then(tell, (error: Error) => tell(`internal error: ${error.message}\n`));
    },
    stop: () => {
      isStopped = true;
      return "";
    },
  };
}

const CONFIG_PART_CHARS = 16 * 1024;
const configText = memoizeLast((config: Config) => `${JSON.stringify(printedConfig(config), null, 2)}\n`);
const configLine = memoizeLast((config: Config) => `${JSON.stringify(printedConfig(config))}\n`);

/** Each becomes bytes by itself: no character may be in two of them. */
function* partsOf(text: string): Generator<string> {
  for (let at = 0, end = 0; at < text.length; at = end) {
    end = at + CONFIG_PART_CHARS;
    const isWithinPair = /[\ud800-\udbff]/.test(text[end - 1] ?? "") && end < text.length;
    if (isWithinPair) end++;
    yield text.slice(at, end);
  }
}

/** One node: how it is, or how it should be. */
function nodeAnswer([name, wanted, ...rest]: readonly string[], context: ConsoleContext): Answer | undefined {
  if (name === undefined || rest.length > 0) return undefined;
  const node = nodeCalled(name, context);
  if ("text" in node) return node;
  const { label } = node;
  if (wanted === undefined) return { text: nodeText(node, context.view()) };
  const word = OPERATOR_WORDS.find((word) => word === wanted.toLowerCase());
  const setting = word && context.setNode(label, word);
  return setting && { text: nodeSettingText(label, setting) };
}

/** Or the answer that there is none. */
function nodeCalled(name: string, context: ConsoleContext): NodeView | Answer {
  const bytes = Buffer.from(name, "latin1");
  const label = bytes.toString();
  const { nodes } = context.view();
  const labels = nodes.map((node) => node.label);
  const node = nodes[labels.indexOf(label)];
  return node ?? { text: `there is no node ${escapeBytes(bytes)}${suggestion(label, labels)}\n` };
}

function* routeLines(asked: readonly string[], context: ConsoleContext): Generator<string> {
  const found: Destination[] = [];
  function* rows(): Generator<readonly string[]> {
    for (const [i, text] of asked.entries()) {
      const bytes = Buffer.from(text, "latin1");
      found[i] ??= context.destinationOf(bytes);
      const destination = found[i];
      yield [
        escapeBytes(bytes),
        ...(destination.kind === "rejected"
          ? [NO_NODE_TEXT, NO_NODE_TEXT, `rejected: ${destination.reason}`]
          : [destination.now, destination.allUp, ""]),
      ];
    }
  }
  yield* tableParts(["name", "owner", "owner_when_all_up", ""], rows);
}

/** Undefined: invalid. */
function tapRequest(words: readonly string[]): TapRequest | undefined {
  const rejected = words[0]?.toLowerCase() === "rejected";
  const rest = rejected ? words.slice(1) : words;
  const selection = selectionOf(rest, { limitDefault: TAP_LINES_DEFAULT, limitMax: TAP_LINES_MAX });
  return selection && { rejected, pattern: selection.pattern, linesMax: selection.limit };
}

/** The names that a node gets. Undefined: invalid. */
function namesAnswer([name, ...rest]: readonly string[], context: ConsoleContext): Answer | undefined {
  const selection = selectionOf(rest, { limitDefault: NAMES_SHOWN_DEFAULT, limitMax: NAMES_SHOWN_MAX });
  if (name === undefined || selection === undefined) return undefined;
  const found = nodeCalled(name, context);
  if ("text" in found) return found;
  const { label, isUp } = found;
  const stream = context.names({ ...selection, label });
  if (stream === undefined) return TOO_MANY_TAPS;
  const state = isUp ? "" : `# ${label} is ${found.health.state}: it gets no lines\n`;
  return { text: `${state}# counting for ${NAMES_MS / 1000} s; an empty line stops it\n`, stream };
}

/**
 * go-statsd-proxy's labels, for those figures that this runtime has: it does not count mallocs, frees or pointer
 * lookups.
 */
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
