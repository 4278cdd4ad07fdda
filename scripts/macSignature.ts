/**
 * Signs Mach-O executables ad hoc: hashes of the pages, without a certificate (xnu, bsd/kern/kern_cs.c and
 * osfmk/kern/cs_blobs.h). macOS kills a program whose pages do not match their hashes.
 *
 * Bun 1.4.5 signs its arm64 binaries (earlier versions did it wrong: oven-sh/bun#39764), but leaves x64 binaries with
 * the signature of the bare runtime, which no longer matches.
 */
import { loadCommands } from "./executable.ts";

const LC_CODE_SIGNATURE = 0x1d;
const LC_SEGMENT_64 = 0x19;

const EMBEDDED_SIGNATURE = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
/** Including `execSegBase` and what follows it. */
const CODE_DIRECTORY_VERSION = 0x20400;
const CODE_DIRECTORY_BYTES = 88;
const AD_HOC_BY_LINKER = 0x20002;
const SHA256 = 2;
const HASH_BYTES = 32;
const PAGE_BYTES = 4096;
/** File type of a program, and the corresponding flag in a signature. */
const MH_EXECUTE = 2;
const MAIN_BINARY = 1;

/** Signs the executable in place, in the space of its existing signature. @throws Error if there is no room */
export function signAdHoc(bytes: Buffer, identifier: string): void {
  const room = signatureOf(bytes);
  const name = Buffer.from(`${identifier}\0`);
  const pages = Math.ceil(room.start / PAGE_BYTES);
  const hashes = CODE_DIRECTORY_BYTES + name.length;
  const directory = Buffer.alloc(hashes + pages * HASH_BYTES);
  const text = textSegment(bytes);
  const head = [CODE_DIRECTORY, directory.length, CODE_DIRECTORY_VERSION, AD_HOC_BY_LINKER];
  // Hashes, identifier, no special slots, pages, signed bytes.
  for (const word of [hashes, CODE_DIRECTORY_BYTES, 0, pages, room.start]) head.push(word);
  head.forEach((word, i) => {
    directory.writeUInt32BE(word, 4 * i);
  });
  directory.set([HASH_BYTES, SHA256, 0, Math.log2(PAGE_BYTES)], 36);
  directory.writeBigUInt64BE(text.start, 64);
  directory.writeBigUInt64BE(text.length, 72);
  if (bytes.readUInt32LE(12) === MH_EXECUTE) directory.writeBigUInt64BE(BigInt(MAIN_BINARY), 80);
  directory.set(name, CODE_DIRECTORY_BYTES);
  for (let page = 0; page < pages; page++) {
    directory.set(hashOfPage(bytes, page, room.start), hashes + page * HASH_BYTES);
  }

  // One blob of type 0: a code directory.
  const index = Buffer.alloc(20);
  [EMBEDDED_SIGNATURE, index.length + directory.length, 1, 0, index.length].forEach((word, i) => {
    index.writeUInt32BE(word, 4 * i);
  });
  const signature = Buffer.concat([index, directory]);
  if (signature.length > room.end - room.start) throw new Error("no room for the signature");
  bytes.fill(0, room.start, room.end);
  bytes.set(signature, room.start);
}

/** Why macOS would not accept the signature for this file; undefined if it would. */
export function signatureProblem(bytes: Buffer): string | undefined {
  let signature: { start: number; end: number };
  try {
    signature = signatureOf(bytes);
  } catch (error) {
    return (error as Error).message;
  }
  const { start, end } = signature;
  if (end !== bytes.length) return "the signature is not the end of the file";
  const directory = codeDirectory(bytes.subarray(start, end));
  if (directory === undefined) return "the signature has no code directory";
  const [hashes, , , pages, signedBytes] = [16, 20, 24, 28, 32].map((at) => directory.readUInt32BE(at));
  if (signedBytes !== start) return `${signedBytes} bytes are signed, not all ${start}`;
  const [hashBytes, hashKind, , pageBits] = directory.subarray(36, 40);
  if (hashBytes !== HASH_BYTES || hashKind !== SHA256 || 2 ** pageBits !== PAGE_BYTES) return "unknown kind of hash";
  if (pages !== Math.ceil(start / PAGE_BYTES)) return `${pages} pages are signed`;
  for (let page = 0; page < pages; page++) {
    const at = hashes + page * HASH_BYTES;
    if (!hashOfPage(bytes, page, start).equals(directory.subarray(at, at + HASH_BYTES))) {
      return `page ${page} is not what was signed`;
    }
  }
  return undefined;
}

function signatureOf(bytes: Buffer): { start: number; end: number } {
  const command = loadCommands(bytes).find(({ type }) => type === LC_CODE_SIGNATURE);
  if (command === undefined) throw new Error("there is no signature");
  const start = bytes.readUInt32LE(command.at + 8);
  return { start, end: start + bytes.readUInt32LE(command.at + 12) };
}

/** Of the file, not of memory. */
function textSegment(bytes: Buffer): { start: bigint; length: bigint } {
  for (const { type, at } of loadCommands(bytes)) {
    if (type !== LC_SEGMENT_64 || bytes.toString("latin1", at + 8, at + 15) !== "__TEXT\0") continue;
    return { start: bytes.readBigUInt64LE(at + 40), length: bytes.readBigUInt64LE(at + 48) };
  }
  throw new Error("there is no code");
}

function codeDirectory(signature: Buffer): Buffer | undefined {
  if (signature.readUInt32BE(0) !== EMBEDDED_SIGNATURE) return undefined;
  for (let i = 0; i < signature.readUInt32BE(8); i++) {
    const start = signature.readUInt32BE(16 + 8 * i);
    if (signature.readUInt32BE(start) === CODE_DIRECTORY) return signature.subarray(start);
  }
  return undefined;
}

function hashOfPage(bytes: Buffer, page: number, end: number): Buffer {
  const start = page * PAGE_BYTES;
  const hash = new Bun.CryptoHasher("sha256").update(bytes.subarray(start, Math.min(start + PAGE_BYTES, end))).digest();
  return hash as Buffer;
}
