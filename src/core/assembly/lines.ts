/**
 * Finds and checks the lines of a datagram in one pass over the bytes, and hashes their names if they are to be hashed.
 *
 *     app.logins:1|c|@0.1\n
 *     ^         ^ ^ ^    ^
 *     start     | | |    lineEnd (a CR before the LF is not part of the line)
 *     nameStart | | typeEnd
 *         nameEnd typeStart
 *
 * A line is parsed only as far as routing or rejecting it requires: the name up to the first ':', then a '|', then the
 * type token. The rest is up to the backend, so fields that are newer than this code pass.
 */
import { find, findEither } from "./search";

const LF: u8 = 0x0a;
const CR: u8 = 0x0d;
const COLON: u8 = 0x3a;
const PIPE: u8 = 0x7c;
const UNDERSCORE: u8 = 0x5f;

/** As `Verdict` of protocol/line.ts. */
const END: i32 = -1;
export const ACCEPTED: i32 = 0;
const NO_COLON: i32 = 1;
const EMPTY_NAME: i32 = 2;
const NO_PIPE: i32 = 3;
const EMPTY_TYPE: i32 = 4;
const UNKNOWN_TYPE: i32 = 5;

/** Bits of `accepts`. */
const ANY_TYPE: u32 = 1;
const EVENTS: u32 = 2;
const SERVICE_CHECKS: u32 = 4;

/** A cursor over the lines of one datagram after another. The bounds are those of the line that `next` has found. */
@unmanaged
export class Lines {
  /** Half-open bounds of the line, without CR and LF. */
  start: usize;
  lineEnd: usize;
  /** Half-open bounds of the bytes that decide the route, and their hash. */
  nameStart: usize;
  nameEnd: usize;
  nameHash: u32;
  /** Half-open bounds of what is left of the datagram. */
  at: usize;
  end: usize;
  /** Bits: every type, DogStatsD's events, its service checks. */
  accepts: u32;
  /** Whether names are hashed: it takes a third of the time for a line. */
  isHashing: u32;
  /** A random one keeps strangers from choosing names that collide in the route cache. */
  seed: u32;
  /** Type tokens as numbers, see `typeCode`. */
  typeCodes: usize;
  types: u32;
}

/** Advances to the next non-empty line. `END`: there is none, and the bounds are meaningless. */
export function next(lines: Lines): i32 {
  const end = lines.end;
  let at = lines.at;
  for (; ; at++) {
    if (at >= end) return END;
    const byte = load<u8>(at);
    if (byte !== LF && !(byte === CR && (at + 1 === end || load<u8>(at, 1) === LF))) break;
  }
  const start = at;
  lines.start = at;
  lines.nameStart = at;
  at = findEither(at, end, COLON, LF);
  if (load<u8>(start) === UNDERSCORE) {
    const verdict = nextSpecial(lines, at);
    if (verdict !== END) return verdict;
  }
  if (at >= end || load<u8>(at) !== COLON) {
    finish(lines, at);
    return NO_COLON;
  }
  lines.nameEnd = at;
  if (lines.isHashing) lines.nameHash = hashed(start, at, lines.seed);

  const pipe = findEither(at + 1, end, PIPE, LF);
  finish(lines, find(pipe, end, LF));
  if (lines.nameEnd === start) return EMPTY_NAME;
  if (pipe >= end || load<u8>(pipe) !== PIPE) return NO_PIPE;
  return typeVerdict(lines, pipe + 1);
}

/** Ends the line at `at`: the position of the LF, or the end of the datagram. */
function finish(lines: Lines, at: usize): void {
  lines.at = at + 1;
  lines.lineEnd = at > lines.start && load<u8>(at - 1) === CR ? at - 1 : at;
}

function typeVerdict(lines: Lines, typeStart: usize): i32 {
  const lineEnd = lines.lineEnd;
  let typeEnd = typeStart;
  for (; typeEnd < lineEnd; typeEnd++) {
    const byte = load<u8>(typeEnd);
    if (byte === PIPE || byte === COLON) break;
  }
  if (typeEnd <= typeStart) return EMPTY_TYPE;
  if (lines.accepts & ANY_TYPE) return ACCEPTED;
  const code = typeCode(typeStart, typeEnd);
  const last = lines.typeCodes + (lines.types << 3);
  for (let at = lines.typeCodes; at < last; at += 8) if (load<u64>(at) === code) return ACCEPTED;
  return UNKNOWN_TYPE;
}

/**
 * A line that begins with '_' may be a DogStatsD event or service check.
 *
 *     _e{5,4}:title|text|#tag      _sc|name|0|h:host
 *             ^    ^                   ^   ^
 *             name                     name
 *
 * `END`: it is neither, but a metric with an ordinary name. `at` is the line's first ':', or its end.
 */
function nextSpecial(lines: Lines, at: usize): i32 {
  const start = lines.start;
  const end = lines.end;
  // Beyond the datagram's end, the memory holds the bytes of an older one.
  const isEvent = start + 3 <= end && load<u8>(start, 1) === 0x65 && load<u8>(start, 2) === 0x7b; // "_e{"
  const isServiceCheck =
    start + 4 <= end && load<u8>(start, 1) === 0x73 && load<u8>(start, 2) === 0x63 && load<u8>(start, 3) === PIPE; // "_sc|"
  if (!isEvent && !isServiceCheck) return END;
  finish(lines, find(at, end, LF));
  const lineEnd = lines.lineEnd;
  if (isEvent && at >= lineEnd) return NO_COLON;

  const nameStart = isEvent ? at + 1 : start + 4;
  const nameEnd = max(find(nameStart, lineEnd, PIPE), nameStart);
  lines.nameStart = nameStart;
  lines.nameEnd = nameEnd;
  if (lines.isHashing) lines.nameHash = hashed(nameStart, nameEnd, lines.seed);
  if (nameEnd === nameStart) return EMPTY_NAME;
  if (nameEnd === lineEnd) return NO_PIPE;
  return lines.accepts & (isEvent ? EVENTS : SERVICE_CHECKS) ? ACCEPTED : UNKNOWN_TYPE;
}

/** FNV-1a, with the lower bits mixed once more. */
function hashed(start: usize, end: usize, seed: u32): u32 {
  let hash = seed;
  for (let at = start; at < end; at++) hash = (hash ^ load<u8>(at)) * 0x01000193;
  return hash ^ (hash >>> 15);
}

/** A token of 1 to 4 bytes as a unique number, with a leading 1; 0 for a longer one. */
function typeCode(start: usize, end: usize): u64 {
  if (end - start > 4) return 0;
  let code: u64 = 1;
  for (let at = start; at < end; at++) code = (code << 8) | load<u8>(at);
  return code;
}
