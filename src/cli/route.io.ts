/** `statsd-proxy route`: where names go, without a running proxy. */
import type { Config } from "../config/config.ts";
import { readFrom, reportOnStandardError } from "../config/file.io.ts";
import { bunPlatform } from "../engine/bunPlatform.io.ts";
import { nodesNow, withNodes } from "../engine/nodesNow.ts";
import { destinationOf, type Routing } from "../placement/destination.ts";
import { loadFingerprint32 } from "../placement/farmhash.io.ts";
import { NO_NODE_TEXT } from "../placement/owner.ts";
import { placementOf } from "../placement/placementOf.ts";
import { unknownNodes } from "./down.ts";
import { readInput, writeOutput } from "./standardStreams.io.ts";

const LF = 0x0a;
const CR = 0x0d;
/** Unit of reading and writing. */
const CHUNK_BYTES = 256 * 1024;

export interface RouteOptions {
  /** Absent: the default one. */
  readonly file?: string | undefined;
  /** JSON instead of columns. */
  readonly isJson: boolean;
  /** Labels of nodes that are taken for down. */
  readonly down: readonly string[];
}

/** Prints where these names go, or those on standard input if there are none. False: it failed, and the reason was printed. */
export async function route(names: readonly string[], { file, isJson, down }: RouteOptions): Promise<boolean> {
  const config = await configNow(file);
  if (config === undefined) return false;
  const unknown = unknownNodes(
    down,
    config.nodes.map(({ label }) => label),
  );
  for (const line of unknown) console.error(line);
  return unknown.length === 0 && printed(names, config, down, isJson);
}

/** With the nodes that it means now. Undefined: a proxy would not start with it, and the reasons were printed. */
async function configNow(file: string | undefined): Promise<Config | undefined> {
  const read = readFrom({ file });
  if (read === undefined) return undefined;
  const report = reportOnStandardError(file);
  const { nodes, errors, warnings } = await nodesNow(read.config, bunPlatform);
  for (const problem of warnings) report.warning(problem);
  for (const problem of errors) report.error(problem);
  return errors.length === 0 ? withNodes(read.config, nodes) : undefined;
}

/** False: it failed, and the reason was printed. */
function printed(names: readonly string[], config: Config, down: readonly string[], json: boolean): boolean {
  try {
    const out = new Rows(config, down, json);
    if (names.length > 0) for (const name of names) out.add(Buffer.from(name));
    else forEachLine((bytes, start, end) => out.add(bytes.subarray(start, end)));
    out.flush();
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A reader that stops early (`| head`) has what it wanted.
    if (code === "EPIPE") return true;
    console.error(message);
    return false;
  }
}

function routingOf(config: Config, down: readonly string[]): Routing {
  const nodes = config.nodes.map(({ label }) => ({ label, isUp: !down.includes(label) }));
  const { types } = config;
  if (config.mirror) return { types, placed: undefined, nodes };
  const placement = placementOf(config, loadFingerprint32);
  const ring = config.failover === "hold" ? placement.full : placement.live(nodes.map(({ isUp }) => isUp));
  return { types, placed: { placement, ring }, nodes };
}

/** The output, written in chunks. Names are written as they came; in JSON, invalid UTF-8 becomes U+FFFD. */
class Rows {
  private readonly routing: Routing;
  private readonly json: boolean;
  private readonly chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  private filled = 0;

  constructor(config: Config, down: readonly string[], json: boolean) {
    this.routing = routingOf(config, down);
    this.json = json;
  }

  add(asked: Buffer): void {
    const destination = destinationOf(asked, this.routing);
    const node = destination.kind === "rejected" ? NO_NODE_TEXT : destination.now;
    if (this.json) {
      const rejected = destination.kind === "rejected" ? { rejected: destination.reason } : {};
      this.addText(`${JSON.stringify({ name: asked.toString("utf8"), node, ...rejected })}\n`);
      return;
    }
    if (this.filled + asked.length > CHUNK_BYTES) this.flush();
    if (asked.length > CHUNK_BYTES) writeOutput(asked);
    else this.filled += asked.copy(this.chunk, this.filled);
    this.addText(`\t${node}\n`);
  }

  flush(): void {
    writeOutput(this.chunk.subarray(0, this.filled));
    this.filled = 0;
  }

  private addText(text: string): void {
    // A character takes at most three bytes per UTF-16 unit.
    if (this.filled + 3 * text.length > CHUNK_BYTES) this.flush();
    if (3 * text.length > CHUNK_BYTES) writeOutput(Buffer.from(text));
    else this.filled += this.chunk.write(text, this.filled);
  }
}

/** Passes on the lines of standard input, `bytes[start, end)`, without line ends; empty ones are skipped. */
function forEachLine(take: (bytes: Buffer, start: number, end: number) => void): void {
  let bytes = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  const takeLine = (start: number, lineEnd: number) => {
    const end = lineEnd > start && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    if (end > start) take(bytes, start, end);
  };
  for (;;) {
    // The line is longer than the buffer.
    if (filled === bytes.length) bytes = Buffer.concat([bytes], 2 * bytes.length);
    const read = readInput(bytes, filled);
    if (read === 0) break;
    let start = 0;
    const end = filled + read;
    for (let at = bytes.indexOf(LF, filled); at !== -1 && at < end; at = bytes.indexOf(LF, start)) {
      takeLine(start, at);
      start = at + 1;
    }
    bytes.copyWithin(0, start, end);
    filled = end - start;
  }
  takeLine(0, filled);
}
