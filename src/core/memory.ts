/**
 * The core's memory: what its objects and the bytes that it works on lie in. An object in TypeScript that stands for a
 * block of it owns the block, which is free again when that object releases it, or is no more.
 *
 * The kernel reads into it and sends from it. It grows when a block is asked for, and only then; whoever keeps addresses
 * or views asks for them again when `bytes` is another.
 */

const PAGE_BYTES = 65_536;
const PAGES_AT_START = 128;
/** Nearly all that 32 bits can address: the core may look some bytes ahead. */
const PAGES_MAX = 2 ** 32 / PAGE_BYTES - 1;
/** The core reads and writes some bytes beyond the end of a block. */
const SLACK_BYTES = 16;
/** Sizes are rounded up to one of eight between a power of two and the next, so that blocks can be used again. */
const SIZES_PER_DOUBLING = 8;
const BLOCK_BYTES_MIN = 64;

interface Block {
  readonly at: number;
  readonly size: number;
}

export class CoreMemory {
  readonly memory = new WebAssembly.Memory({ initial: PAGES_AT_START, maximum: PAGES_MAX });
  /** All of it. */
  bytes = Buffer.from(this.memory.buffer);
  words = new Uint32Array(this.memory.buffer);
  /** While it is, it cannot grow: whoever works with its bytes would have none. */
  isHeld = false;
  /** Where what was never used begins. The first page is the core's own. */
  private unused = PAGE_BYTES;
  /** Free blocks by their size. */
  private readonly free = new Map<number, number[]>();
  private readonly owned = new WeakMap<object, Block[]>();
  private readonly owners = new FinalizationRegistry<Block>((block) => this.takeBack(block));

  /**
   * Position of a block of so many bytes, for as long as the owner lives. Its bytes are anything.
   * @throws Error if there is no more memory
   */
  block(owner: object, bytes: number): number {
    const size = roundedUp(bytes + SLACK_BYTES);
    const block = { at: this.freeOf(size).pop() ?? this.fresh(size), size };
    this.owners.register(owner, block, owner);
    this.owned.set(owner, [...(this.owned.get(owner) ?? []), block]);
    return block.at;
  }

  /** Takes its blocks back at once, from an owner that has no more use for them. */
  release(owner: object): void {
    this.owners.unregister(owner);
    for (const block of this.owned.get(owner) ?? []) this.takeBack(block);
    this.owned.delete(owner);
  }

  private takeBack({ at, size }: Block): void {
    this.freeOf(size).push(at);
  }

  private fresh(size: number): number {
    const at = this.unused;
    const missing = at + size - this.bytes.length;
    if (missing > 0) {
      if (this.isHeld) throw new Error("the core's memory cannot grow while it relays");
      // Twice as much as before, so that growing is rare. What is not used takes no room.
      const pages = this.bytes.length / PAGE_BYTES;
      const needed = Math.ceil(missing / PAGE_BYTES);
      if (pages + needed > PAGES_MAX) throw new Error("there is no more memory for nodes and rings: 4 GiB are in use");
      this.memory.grow(Math.min(Math.max(needed, pages), PAGES_MAX - pages));
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

function roundedUp(bytes: number): number {
  const step = 2 ** Math.floor(Math.log2(Math.max(bytes, BLOCK_BYTES_MIN))) / SIZES_PER_DOUBLING;
  return Math.max(BLOCK_BYTES_MIN, Math.ceil(bytes / step) * step);
}
