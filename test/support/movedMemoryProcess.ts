/**
 * Sends datagrams to itself through the core's memory, makes that memory grow, and does the same again. Writes what came
 * of each round, and whether the memory was elsewhere then.
 */
import { ptr } from "bun:ffi";
import { coreMemory } from "../../src/core/core.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import { Batch } from "../../src/relay/batch.ts";
import { textsOf } from "./slots.ts";

const HOST = "127.0.0.1";

const listener = await bunNetwork.listenUdp({
  ...{ host: HOST, port: 0, reusePort: false, receiveBuffer: 1 << 20 },
  onDatagram: () => {},
  onError: () => {},
});
const { kernel } = listener;
if (kernel instanceof Error) throw kernel;
const connection = await bunNetwork.connectUdp({
  ...{ host: HOST, port: listener.port },
  onError: () => {},
  onDrain: () => {},
});
const batch = new Batch(0);

const before = ptr(coreMemory.bytes);
const first = round("first");
coreMemory.block(batch, coreMemory.bytes.length);
const isMoved = ptr(coreMemory.bytes) !== before;
console.log(JSON.stringify({ first, isMoved, second: round("second") }));
process.exit(0);

/** Over loopback datagrams arrive at once, and the runtime reads none of them before the next turn. */
function round(name: string): string[] {
  const line = `${name}:1|c`;
  batch.append(Buffer.from(line), 0, line.length, 1);
  if (connection.sendBatch?.(batch) === 1) batch.shift(1);
  const read: string[] = [];
  if (!(kernel instanceof Error)) kernel.read((datagrams) => void read.push(...textsOf(datagrams)));
  return read;
}
