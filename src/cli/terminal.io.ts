/** The terminal that this process was started in. */
import { closeSync, constants, openSync } from "node:fs";

const STDIN = 0;
const STDERR = 2;

/**
 * Call this at the start. Returns whether the terminal that somebody started this process in has gone since. A service,
 * and what `nohup` or `setsid` started, has none.
 */
export function terminalOfStart(): { isGone(): boolean } {
  const hadOne = hasTerminal() && isOnTerminal();
  return { isGone: () => hadOne && !hasTerminal() };
}

/** node:tty is loaded only where there may be a terminal: with it comes all of node:stream. */
function isOnTerminal(): boolean {
  const { isatty } = require("node:tty") as typeof import("node:tty");
  return isatty(STDIN) || isatty(STDERR);
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
