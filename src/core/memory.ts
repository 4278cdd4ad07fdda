/**
 * The core's memory: what its objects and the bytes that it works on lie in. An object in TypeScript that stands for a
 * block of it owns the block, which is free again once that object is no more.
 *
 * The kernel reads into it and sends from it. It grows when a block is asked for, and only then; whoever keeps addresses
 * or views asks for them again when `bytes` is another.
 */

const PAGE_BYTES = 65_536;
const PAGES_AT_START = 128;
/** The core reads and writes some bytes beyond the end of a block. */
const SLACK_BYTES = 16;
const BLOCK_BYTES_MIN = 64;

export class CoreMemory {
  readonly memory = new WebAssembly.Memory({ initial: PAGES_AT_START });
  /** All of it. */
  bytes = Buffer.from(this.memory.buffer);
  words = new Uint32Array(this.memory.buffer);
  /** Where what was never used begins. The first page is the core's own. */
  private unused = PAGE_BYTES;
  /** Free blocks by their size. */
  private readonly free = new Map<number, number[]>();
  private readonly owners = new FinalizationRegistry<{ readonly at: number; readonly size: number }>(({ at, size }) =>
    this.freeOf(size).push(at),
  );

  /** Position of a block of so many bytes, for as long as the owner lives. Its bytes are anything. */
  block(owner: object, bytes: number): number {
    const size = Math.max(BLOCK_BYTES_MIN, 2 ** Math.ceil(Math.log2(bytes + SLACK_BYTES)));
    const at = this.freeOf(size).pop() ?? this.fresh(size);
    this.owners.register(owner, { at, size });
    return at;
  }

  private fresh(size: number): number {
    const at = this.unused;
    const missing = at + size - this.bytes.length;
    if (missing > 0) {
      // Twice as much as before, so that growing is rare. What is not used takes no room.
      this.memory.grow(Math.ceil(Math.max(missing, this.bytes.length) / PAGE_BYTES));
      this.bytes = Buffer.from(this.memory.buffer);
      this.words = new Uint32Array(this.memory.buffer);
    }
    this.unused += size;
    return at;
  }

  private freeOf(size: number): number[] {
    const free = this.free.get(size) ?? [];
    this.free.set(size, free);
    return free;
  }
}
