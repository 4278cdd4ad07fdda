/** TCP connections by node:net, for systems without a C library to call. */
import { closeSync, openSync } from "node:fs";
import { failedConnection } from "./failedConnection.io.ts";
import type { TcpConnection, TcpConnectionParts } from "./network.ts";

export function connectByNode(
  { host, port, onConnect, onBytes, onEnd }: TcpConnectionParts,
  hasDescriptor: () => boolean = isDescriptorLeft,
): TcpConnection {
  if (!hasDescriptor()) return failedConnection("EMFILE", onEnd);
  // Loaded on first use: who does not need it does without all of node:stream.
  const { connect } = require("node:net") as typeof import("node:net");
  const socket = connect({ host, port });
  socket.on("connect", onConnect);
  socket.on("data", onBytes);
  socket.on("end", () => onEnd(undefined));
  socket.on("close", () => onEnd(undefined));
  // Errors after `destroy` interest nobody, but without a handler they would end the process.
  socket.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    // Bun 1.4.5 says so of a lack of descriptors, too (test: "node:net reports a lack of descriptors as a refusal").
    onEnd(code === "ECONNREFUSED" && !hasDescriptor() ? "EMFILE" : (code ?? message));
  });
  return socket;
}

function isDescriptorLeft(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
  } catch (error) {
    return !["EMFILE", "ENFILE"].includes((error as NodeJS.ErrnoException).code ?? "");
  }
  return true;
}
