/**
 * Finds and checks the lines of a datagram in one pass over the bytes, and hashes their names if they are to be hashed.
 * The core does it: see core/assembly/lines.ts for what a line is.
 */
import { core, coreMemory } from "../core/core.ts";
import { Inbox } from "../core/inbox.ts";
import { CoreObject } from "../core/object.ts";

/** The result for a line. Rejections name the first thing that is missing, reading from left to right. */
export const Verdict = {
  end: -1,
  accepted: 0,
  noColon: 1,
  emptyName: 2,
  noPipe: 3,
  emptyType: 4,
  unknownType: 5,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** The console's words for rejections: the reason of verdict `v` is `REJECT_REASONS[v - 1]`. */
export const REJECT_REASONS = ["no_colon", "empty_name", "no_pipe", "empty_type", "unknown_type"] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** In a list of types: accept every type. */
export const ANY_TYPE = "*";
/** In a list of types: accept DogStatsD events (`_e{5,4}:title|text`), routed by their title. */
export const EVENT_TYPE = "_e";
/** In a list of types: accept DogStatsD service checks (`_sc|name|status`), routed by their name. */
export const SERVICE_CHECK_TYPE = "_sc";
/** Type tokens are compared as single numbers, hence the limit. */
export const TYPE_BYTES_MAX = 4;

/** Words of the core's `Lines`. */
const START = 0;
const LINE_END = 1;
const NAME_START = 2;
const NAME_END = 3;
const NAME_HASH = 4;
const AT = 5;
const END = 6;
const ACCEPTS = 7;
const IS_HASHING = 8;
const SEED = 9;
const TYPE_CODES = 10;
const TYPES = 11;
const WORDS = 12;

/** Bits of `ACCEPTS`. */
const EVERY_TYPE = 1;
const EVENTS = 2;
const SERVICE_CHECKS = 4;

/** A cursor over the lines of one datagram after another. Its fields describe the line that `next` has just found. */
export class Lines extends CoreObject {
  /** Half-open bounds of the line, without CR and LF. */
  start = 0;
  lineEnd = 0;
  /** Half-open bounds of the bytes that decide the route, and their hash; 0: names are not hashed. */
  nameStart = 0;
  nameEnd = 0;
  nameHash = 0;
  private readonly inbox = new Inbox();
  /** From positions in the core's memory to those in the datagram. */
  private offset = 0;

  /**
   * @param types the accepted type tokens, each of 1 to 4 bytes; `"*"` for all
   * @param seed any 32-bit integer; a random one keeps strangers from choosing names that collide in the route cache.
   * Undefined: names are not hashed, which saves a third of the time for a line
   */
  constructor(types: readonly string[], seed?: number) {
    const tokens = types.filter((type) => type !== EVENT_TYPE && type !== SERVICE_CHECK_TYPE);
    super(4 * WORDS + 8 * tokens.length, WORDS);
    const typeCodes = this.at + 4 * WORDS;
    for (const [i, token] of tokens.entries()) {
      coreMemory.bytes.writeBigUInt64LE(typeCode(Buffer.from(token)), typeCodes + 8 * i);
    }
    const acceptsAny = types.includes(ANY_TYPE);
    const accepts =
      (acceptsAny ? EVERY_TYPE : 0) |
      (acceptsAny || types.includes(EVENT_TYPE) ? EVENTS : 0) |
      (acceptsAny || types.includes(SERVICE_CHECK_TYPE) ? SERVICE_CHECKS : 0);
    this.set(ACCEPTS, accepts);
    this.set(IS_HASHING, seed === undefined ? 0 : 1);
    this.set(SEED, seed ?? 0);
    this.set(TYPE_CODES, typeCodes);
    this.set(TYPES, tokens.length);
  }

  /** Starts on the datagram `bytes[start, end)`. */
  open(bytes: Uint8Array, start: number, end: number): void {
    const at = this.inbox.bring(bytes, start, end);
    this.offset = start - at;
    this.set(AT, at);
    this.set(END, at + end - start);
  }

  /** Advances to the next non-empty line. `Verdict.end`: there is none, and the fields are meaningless. */
  next(): Verdict {
    const verdict = core.next(this.at) as Verdict;
    this.start = this.get(START) + this.offset;
    this.lineEnd = this.get(LINE_END) + this.offset;
    this.nameStart = this.get(NAME_START) + this.offset;
    this.nameEnd = this.get(NAME_END) + this.offset;
    this.nameHash = this.get(NAME_HASH) | 0;
    return verdict;
  }
}

/** A token of 1 to 4 bytes as a unique number, with a leading 1. */
function typeCode(token: Uint8Array): bigint {
  return token.reduce((code, byte) => code * 256n + BigInt(byte), 1n);
}
