import type { TcpConnection, TcpConnectionParts } from "./network.ts";

/** A connection that could not be made. That is told later, as everything is. */
export function failedConnection(errno: string, onEnd: TcpConnectionParts["onEnd"]): TcpConnection {
  queueMicrotask(() => onEnd(errno));
  return { write: () => {}, destroy: () => {} };
}
