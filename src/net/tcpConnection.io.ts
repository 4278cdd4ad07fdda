/**
 * TCP connections by system calls, which the runtime then takes over. Bun.connect (1.4.5) cannot give up an attempt, and
 * node:net, which can, costs an idle proxy with three checked nodes 0.3 ms of CPU a second, and 3 ms at the start.
 */
import { ptr } from "bun:ffi";
import { constants } from "node:os";
import { errnoName, interfaceIndex, type Libc, lastErrno, openTcpSocket } from "../system/libc.io.ts";
import { failedConnection } from "./failedConnection.io.ts";
import type { TcpConnection, TcpConnectionParts } from "./network.ts";
import { socketAddressOf } from "./socketAddress.ts";

/** A socket as Bun hands it to its handlers, as far as it is used here. */
interface Taken {
  write(what: string | Buffer): number;
  /** Closes it at once, also while it connects; the peer sees its end, not a reset (Bun 1.4.5). */
  end(): void;
}

export function connectBySystemCalls(
  libc: Libc,
  { host, port, onConnect, onBytes, onEnd }: TcpConnectionParts,
): TcpConnection {
  const failed = (errno: number) => failedConnection(errnoName(errno), onEnd);
  const [plain, zone] = host.split("%");
  const address = socketAddressOf(plain, port, zone === undefined ? 0 : interfaceIndex(libc, zone));
  const fd = openTcpSocket(libc, address.readUInt16LE(0));
  if (fd === -1) return failed(lastErrno(libc));
  const errno = libc.connect(fd, ptr(address), address.length) === 0 ? 0 : lastErrno(libc);
  if (errno !== 0 && errno !== constants.errno.EINPROGRESS) {
    libc.close(fd);
    return failed(errno);
  }
  let socket: Taken | undefined;
  let isConnected = false;
  let isOver = false;
  let unsent = Buffer.alloc(0);
  /** Returns how many bytes were taken. */
  const send = (what: string | Buffer) => Math.max(0, socket?.write(what) ?? 0);
  /** An event loop that was held up may learn only of what has come of it. */
  const connected = () => {
    if (isConnected || isOver) return;
    isConnected = true;
    onConnect();
  };
  const handlers = {
    // Called at once, before it is connected.
    open: (taken: Taken) => {
      socket = taken;
    },
    // It can be written to: the first time, because it is connected.
    drain: () => {
      if (isConnected) unsent = unsent.subarray(send(unsent));
      else connected();
    },
    data: (_: Taken, bytes: Buffer) => {
      connected();
      onBytes(bytes);
    },
    end: () => onEnd(undefined),
    // From within the socket's `end`, too: who gives it up is not told.
    close: (_: Taken, error?: NodeJS.ErrnoException) => {
      // Only what was connected can be reset.
      if (error?.code === "ECONNRESET") connected();
      if (!isOver) onEnd(error && (error.code ?? error.message));
    },
    // Gets what the others throw (Bun 1.4.5): a bug, for whoever handles what nobody caught. Errors of the socket `close` gets.
    error: (_: Taken, error: Error) => {
      queueMicrotask(() => {
        throw error;
      });
    },
  };
  // The descriptor is missing from Bun's types (1.4.5).
  Bun.connect({ fd, socket: handlers } as unknown as Bun.TCPSocketConnectOptions).catch(() => {});
  if (socket === undefined) {
    // The event loop takes no more, and leaves the descriptor to us.
    libc.close(fd);
    return failed(constants.errno.ENOMEM);
  }
  return {
    write: (text) => {
      const sent = unsent.length === 0 ? send(text) : 0;
      if (sent < Buffer.byteLength(text)) unsent = Buffer.concat([unsent, Buffer.from(text).subarray(sent)]);
    },
    destroy: () => {
      isOver = true;
      socket?.end();
    },
  };
}
