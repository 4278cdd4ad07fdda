/**
 * The core: what is done for each line, compiled to WebAssembly. It is written in AssemblyScript, which has TypeScript's
 * syntax, and the machine's integers and memory. See ../core.ts for why, and for the host's side.
 */
export { append, batchSize, bytesOf, endOf, putVectors, shift, startOf } from "./batch";
export { fingerprint32 } from "./fingerprint32";
export { next } from "./lines";
export { foundSize, relay } from "./relay";
