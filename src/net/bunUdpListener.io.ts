/** A bound UDP socket: Bun's, plus direct system calls where a C library is available. */
import type { udp } from "bun";
import type { Datagrams } from "../core/datagrams.ts";
import {
  connectToItself,
  droppedDatagrams,
  ignoreControlData,
  ignoreErrors,
  type Libc,
  libcHere,
  setReceiveBuffer,
  setReusePort,
} from "../system/libc.io.ts";
import { hostPort } from "../text/hostPort.ts";
import { BulkReader } from "./bulkReader.io.ts";
import { watchForReadingOnly } from "./epollEntry.io.ts";
import { unmapped } from "./ipAddress.ts";
import type { UdpKernel, UdpListener, UdpListenerParts, Waits } from "./network.ts";
import { IcmpInterrupt, loopbackOf, openClosedPort, type PausedReading, SwappedSocket } from "./pausedReading.io.ts";
import { ReceiveTimes } from "./receiveTimes.io.ts";

/** SO_REUSEPORT among Bun's options of a UDP socket, missing from its types (1.4.5). */
const REUSE_PORT = { flags: 4 };

/**
 * @param libc the C library, or why it is not available
 * @throws what bind throws: EADDRINUSE, EACCES, EADDRNOTAVAIL
 */
export async function listenUdp(parts: UdpListenerParts, libc: Libc | Error = libcHere()): Promise<UdpListener> {
  const { host: hostname, port, onDatagram, onError } = parts;
  const closedPort = libc instanceof Error ? await openClosedPort(loopbackOf(hostname)) : undefined;
  const sender = { address: "", port: 0 };
  let interrupt: IcmpInterrupt | undefined;
  let socket: udp.Socket<"buffer"> | undefined;
  try {
    socket = await Bun.udpSocket({
      hostname,
      port,
      ...(parts.reusePort && REUSE_PORT),
      socket: {
        data: (_, bytes, senderPort, address) => {
          sender.address = address;
          sender.port = senderPort;
          onDatagram(bytes, 0, bytes.length);
          sender.address = "";
        },
        // Without a handler an error would end the process (Bun 1.4.5).
        error: (error) => {
          // It gets only the error, unlike what its type says (Bun 1.4.5).
          const failure = error as unknown as NodeJS.ErrnoException;
          if (failure.code === "ECONNREFUSED") interrupt?.answered();
          else onError(failure);
        },
      },
    });
    if (closedPort) interrupt = new IcmpInterrupt(socket, closedPort);
    const kernel = libc instanceof Error ? libc : new Kernel(libc, socket, parts.receiveBuffer);
    const reading = kernel instanceof Error ? (interrupt as IcmpInterrupt) : kernel;
    const senderOf = (datagram: number) => {
      if (sender.address !== "") return hostPort(unmapped(sender.address), sender.port);
      return kernel instanceof Kernel ? kernel.sender(datagram) : undefined;
    };
    return listenerOf({
      socket,
      kernel,
      reading,
      sender: senderOf,
      canBeInterrupted: (await interrupt?.works()) ?? true,
    });
  } catch (error) {
    socket?.close();
    closedPort?.close();
    throw error;
  }
}

interface ListenerParts extends Pick<UdpListener, "kernel" | "canBeInterrupted" | "sender"> {
  readonly socket: udp.Socket<"buffer">;
  readonly reading: PausedReading;
}

function listenerOf({ socket, reading, ...parts }: ListenerParts): UdpListener {
  return {
    ...parts,
    port: socket.port,
    pause: () => reading.pause(),
    resume: () => reading.resume(),
    close: () => {
      if (socket.closed) return;
      reading.resume();
      socket.close();
      reading.close();
    },
  };
}

class Kernel implements UdpKernel, PausedReading {
  readonly waits: Waits | undefined;
  receiveBufferBytes: number;
  private readonly libc: Libc;
  private readonly reading: SwappedSocket;
  private readonly times: ReceiveTimes | undefined;
  private readonly bulk: BulkReader;

  /** @throws Error if a system call fails */
  constructor(libc: Libc, socket: udp.Socket<"buffer">, receiveBuffer: number) {
    // Missing from Bun's types (1.4.5).
    const { fd } = socket as unknown as { fd: number };
    this.libc = libc;
    ignoreErrors(libc, fd);
    ignoreControlData(libc, fd);
    watchForReadingOnly(libc, fd);
    this.receiveBufferBytes = setReceiveBuffer(libc, fd, receiveBuffer);
    this.reading = new SwappedSocket(libc, fd);
    const times = receiveTimes(libc, this.reading.fd);
    this.times = times;
    this.waits = times && { ofBulkRead: () => times.ofControlMs(this.bulk.chosen), ofRuntime: () => times.ofLastMs() };
    this.bulk = new BulkReader(libc, this.reading.fd, times?.control);
  }

  /** While the runtime is paused, datagrams are read in bulk. */
  pause(): void {
    this.reading.pause();
    this.times?.tellByControl(true);
  }

  resume(): void {
    this.times?.tellByControl(false);
    this.reading.resume();
  }

  close(): void {
    this.reading.close();
  }

  read(onDatagrams: (datagrams: Datagrams) => void): number {
    return this.bulk.read(onDatagrams);
  }

  sender(datagram: number): string | undefined {
    return this.bulk.sender(datagram);
  }

  drops(): number | undefined {
    try {
      return droppedDatagrams(this.libc, this.reading.fd);
    } catch {
      return undefined;
    }
  }

  refuseSenders(): void {
    connectToItself(this.libc, this.reading.fd);
  }

  setReceiveBuffer(bytes: number): number {
    this.receiveBufferBytes = setReceiveBuffer(this.libc, this.reading.fd, bytes);
    return this.receiveBufferBytes;
  }

  setReusePort(allowed: boolean): void {
    setReusePort(this.libc, this.reading.fd, allowed);
  }
}

function receiveTimes(libc: Libc, fd: number): ReceiveTimes | undefined {
  try {
    return new ReceiveTimes(libc, fd);
  } catch {
    return undefined;
  }
}
