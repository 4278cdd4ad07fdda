/** FarmHash's `Fingerprint32`, exact: the core's, for bytes anywhere. See core/assembly/fingerprint32.ts. */
import { core } from "../core/core.ts";
import { Inbox } from "../core/inbox.ts";

const inbox = new Inbox();

/** An integer from 0 to 2^32 - 1 for `bytes[start, end)`. */
export function fingerprint32(bytes: Uint8Array, start: number, end: number): number {
  const at = inbox.bring(bytes, start, end);
  return core.fingerprint32(at, at + end - start) >>> 0;
}
