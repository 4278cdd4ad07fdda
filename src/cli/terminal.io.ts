/** The terminal that this process was started in. */
import { closeSync, constants, openSync } from "node:fs";
import { isatty } from "node:tty";

const STDIN = 0;
const STDERR = 2;

/**
 * Call this at the start. Returns whether the terminal that somebody started this process in has gone since. A service,
 * and what `nohup` or `setsid` started, has none.
 */
export function terminalOfStart(): { isGone(): boolean } {
  const hadOne = (isatty(STDIN) || isatty(STDERR)) && hasTerminal();
  return { isGone: () => hadOne && !hasTerminal() };
}

/** Whether there is a controlling terminal. After a hangup, opening it fails with ENXIO. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}
