/** Reads executables: ELF (elf.h) and Mach-O (mach-o/loader.h), 64 bits, little-endian. */

export interface Executable {
  readonly format: "ELF" | "Mach-O";
  readonly machine: "x64" | "arm64";
  /** The program that the kernel starts to load the libraries; libraries name none. */
  readonly loader: string | undefined;
  /** Names of the libraries that it needs. */
  readonly libraries: readonly string[];
}

const ELF_MAGIC = 0x464c457f;
const ELF_CLASS_64_LITTLE_ENDIAN = 0x0102;
const ELF_MACHINES: Readonly<Record<number, Executable["machine"]>> = { 62: "x64", 183: "arm64" };
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

const MACH_O_MAGIC_64 = 0xfeedfacf;
const MACH_O_MACHINES: Readonly<Record<number, Executable["machine"]>> = { 16777223: "x64", 16777228: "arm64" };
const LC_LOAD_DYLIB = 0xc;
const LC_LOAD_DYLINKER = 0xe;

/** @throws Error if it is neither, or for a processor that no target has */
export function readExecutable(bytes: Buffer): Executable {
  const magic = bytes.length < 64 ? 0 : bytes.readUInt32LE(0);
  if (magic === ELF_MAGIC && bytes.readUInt16LE(4) === ELF_CLASS_64_LITTLE_ENDIAN) return readElf(bytes);
  if (magic === MACH_O_MAGIC_64) return readMachO(bytes);
  throw new Error("not a 64-bit ELF or Mach-O file");
}

function readElf(bytes: Buffer): Executable {
  const segments = elfSegments(bytes);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  const entries: { tag: number; value: number }[] = [];
  for (let at = dynamic?.start ?? 0; at < (dynamic?.end ?? 0); at += 16) {
    entries.push({ tag: word64(bytes, at), value: word64(bytes, at + 8) });
  }
  const stringsAddress = entries.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0;
  const holder = segments.find(
    ({ type, address, start, end }) =>
      type === PT_LOAD && address <= stringsAddress && stringsAddress < address + (end - start),
  );
  const strings = holder === undefined ? 0 : holder.start + (stringsAddress - holder.address);
  return {
    format: "ELF",
    machine: known(ELF_MACHINES, bytes.readUInt16LE(18)),
    loader: interpreter && text(bytes, interpreter.start),
    libraries: entries.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => text(bytes, strings + value)),
  };
}

/** The program headers: parts of the file, and the addresses where they are mapped. */
function elfSegments(bytes: Buffer) {
  const start = word64(bytes, 32);
  const size = bytes.readUInt16LE(54);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => {
    const at = start + i * size;
    const offset = word64(bytes, at + 8);
    return {
      type: bytes.readUInt32LE(at),
      start: offset,
      end: offset + word64(bytes, at + 32),
      address: word64(bytes, at + 16),
    };
  });
}

function readMachO(bytes: Buffer): Executable {
  const commands = loadCommands(bytes);
  const named = (kind: number) =>
    commands.filter(({ type }) => type === kind).map(({ at }) => text(bytes, at + bytes.readUInt32LE(at + 8)));
  return {
    format: "Mach-O",
    machine: known(MACH_O_MACHINES, bytes.readUInt32LE(4)),
    loader: named(LC_LOAD_DYLINKER)[0],
    libraries: named(LC_LOAD_DYLIB),
  };
}

/** The load commands of a Mach-O file, and their positions. */
export function loadCommands(bytes: Buffer): { type: number; at: number }[] {
  const commands: { type: number; at: number }[] = [];
  let at = 32;
  for (let i = bytes.readUInt32LE(16); i > 0; i--) {
    commands.push({ type: bytes.readUInt32LE(at), at });
    at += bytes.readUInt32LE(at + 4);
  }
  return commands;
}

function known(machines: Readonly<Record<number, Executable["machine"]>>, code: number): Executable["machine"] {
  const machine = machines[code];
  if (machine === undefined) throw new Error(`for an unknown processor (${code})`);
  return machine;
}

/** Addresses and tags in these files are below 2^53. */
function word64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

function text(bytes: Buffer, start: number): string {
  return bytes.toString("latin1", start, bytes.indexOf(0, start));
}
