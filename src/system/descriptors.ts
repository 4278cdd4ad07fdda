/** How the descriptors that the process may open are divided: first what nodes need, the rest bounds connections. */

/** The most connections of the console, and as many of HTTP. */
export const CONNECTIONS_MAX = 128;
/** With less room than this an operator could not look at what is wrong. */
const CONNECTIONS_MIN = 4;
/** A socket for metrics and one for health checks. */
const NODE_DESCRIPTORS = 2;
/**
 * What is open besides: the runtime's own (13 were seen), the receiver's, listeners; and in reserve for what is opened
 * for a moment: files in /proc, a check's next connection before the last is gone, a connection before it is cut.
 */
const RESERVED = 32;

export interface Room {
  /** Connections that the console, and HTTP, may have at once. */
  readonly connectionsMax: number;
}

/** How many descriptors there must be. */
export interface NoRoom {
  readonly needed: number;
}

/** @param limit descriptors that the process may have open @param servers the console, and HTTP if there is one */
export function divideDescriptors(limit: number, nodes: number, servers: number): Room | NoRoom {
  const spoken = RESERVED + NODE_DESCRIPTORS * nodes;
  const each = Math.floor((limit - spoken) / servers);
  if (each < CONNECTIONS_MIN) return { needed: spoken + CONNECTIONS_MIN * servers };
  return { connectionsMax: Math.min(CONNECTIONS_MAX, each) };
}
