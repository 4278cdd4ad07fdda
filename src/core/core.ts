/**
 * The core: what is done for each line, compiled to WebAssembly when this file is compiled.
 *
 * A proxy that sleeps between its turns finds little of its code in the processor's cache. Compiled ahead, the code for a
 * line is a few kilobytes of integer arithmetic without checks, objects or a collector; the runtime's compilers have
 * little left to do while metrics arrive. The same in TypeScript took 1.4 times as much in W3, and 1.2 times in W2.
 *
 * There is one instance, with one memory, for everything that works on lines.
 */
import { compiledCore } from "./compile.io.ts" with { type: "macro" };
import { CoreMemory } from "./memory.ts";

/** What the core asks for while it relays. Positions are those in its memory, nodes are indexes. */
export interface Host {
  /** Sends what is pending for a node, as far as the socket takes it. */
  send(node: number): void;
  /** The owner of the name `[start, end)`, where the core cannot tell. */
  locate(start: number, end: number, hash: number): number;
  /** Shows a line and its owner to whoever wants to see it. */
  seen(start: number, end: number, verdict: number, owner: number): void;
}

/** What the core can do: see the functions in `assembly` that have the same names. Integers arrive as signed. */
interface Exports {
  batchSize(): number;
  append(batch: number, start: number, end: number, lines: number): number;
  startOf(batch: number, datagram: number): number;
  endOf(batch: number, datagram: number): number;
  bytesOf(batch: number, datagrams: number): number;
  putVectors(batch: number, vectors: number, base: number): void;
  shift(batch: number, datagrams: number): number;
  fingerprint32(start: number, end: number): number;
  next(lines: number): number;
  foundSize(): number;
  relay(
    relay: number,
    first: number,
    count: number,
    slots: number,
    slotStride: number,
    lengths: number,
    lengthStride: number,
  ): void;
}

export const coreMemory = new CoreMemory();

const NOBODY: Host = {
  send: outsideRelaying,
  locate: outsideRelaying,
  seen: outsideRelaying,
};
let host = NOBODY;

export const core = instantiate();

/** Lets the core relay, and answers what it asks for meanwhile. */
export function relayFor(relaying: Host, ...work: Parameters<Exports["relay"]>): void {
  host = relaying;
  coreMemory.isHeld = true;
  try {
    core.relay(...work);
  } finally {
    coreMemory.isHeld = false;
    host = NOBODY;
  }
}

function instantiate(): Exports {
  const module = new WebAssembly.Module(Buffer.from(compiledCore(), "base64"));
  const imports = {
    env: { memory: coreMemory.memory },
    host: {
      send: (node: number) => host.send(node),
      // Positions are unsigned, and arrive as signed integers.
      locate: (start: number, end: number, hash: number) => host.locate(start >>> 0, end >>> 0, hash),
      seen: (start: number, end: number, verdict: number, owner: number) =>
        host.seen(start >>> 0, end >>> 0, verdict, owner),
    },
  };
  return new WebAssembly.Instance(module, imports).exports as unknown as Exports;
}

function outsideRelaying(): never {
  throw new Error("the core asks for something, and relays nothing");
}
