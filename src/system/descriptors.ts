/** Divides the descriptors that the process may open: nodes first; the rest limits connections. */

/** The most connections of the console, and of HTTP. */
export const CONNECTIONS_MAX = 128;
/** With fewer connections, operators could not see what is wrong. */
const CONNECTIONS_MIN = 4;
/** A socket for metrics and one for health checks. */
const NODE_DESCRIPTORS = 2;
/**
 * Whatever else is open: the runtime's own (13 were seen), the receiver's, listeners; plus a reserve for short-lived
 * ones: files in /proc, a check's new connection before the old one is closed, a connection before it is cut.
 */
const RESERVED = 32;

export interface Room {
  /** Connections allowed at once, for the console and for HTTP each. */
  readonly connectionsMax: number;
}

/** How many descriptors are needed. */
export interface NoRoom {
  readonly needed: number;
}

/** @param limit descriptors that the process may open @param servers 1 for the console, 2 with HTTP */
export function divideDescriptors(limit: number, nodes: number, servers: number): Room | NoRoom {
  const reserved = RESERVED + NODE_DESCRIPTORS * nodes;
  const each = Math.floor((limit - reserved) / servers);
  if (each < CONNECTIONS_MIN) return { needed: reserved + CONNECTIONS_MIN * servers };
  return { connectionsMax: Math.min(CONNECTIONS_MAX, each) };
}
