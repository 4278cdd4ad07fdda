/**
 * What the proxy needs of a network: Bun's and the kernel's (bunNetwork.io.ts), or a simulated one. Hosts are IP
 * addresses unless stated otherwise.
 */
import type { Datagrams } from "../core/datagrams.ts";
import type { Batch } from "../relay/batch.ts";
import type { NameService } from "./nameService.ts";

export interface Network {
  /** Finds the addresses of nodes' names, without holding up anything else. */
  readonly nameService: NameService;
  /**
   * Resolves a host name or address to an address.
   * @throws what a DNS lookup throws: ENOTFOUND, EAI_AGAIN
   */
  resolve(host: string): Promise<string>;
  /** This machine's addresses. */
  ownAddresses(): readonly string[];
  /**
   * Whether `onError` of a UDP socket reports every ICMP answer, even one that a `send` has already thrown, as on
   * Linux. Elsewhere each is reported once.
   */
  readonly repeatsAnswers: boolean;
  /** @throws what bind throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  listenUdp(parts: UdpListenerParts): Promise<UdpListener>;
  /** @throws what connect throws: ENETUNREACH, EACCES */
  connectUdp(parts: UdpConnectionParts): Promise<UdpConnection>;
  /** Does not throw: `onEnd` tells, later, if there is no descriptor left (EMFILE) or no way (ENETUNREACH). */
  connectTcp(parts: TcpConnectionParts): TcpConnection;
  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  listenTcp<Data>(parts: TcpListenerParts<Data>): TcpListener;
}

export interface UdpListenerParts {
  readonly host: string;
  readonly port: number;
  /** Lets other processes bind the same port, if they do so too (SO_REUSEPORT). */
  readonly reusePort: boolean;
  /** Kernel buffer size to ask for, in bytes. */
  readonly receiveBuffer: number;
  /** Called for each datagram that the runtime reads by itself: `bytes[start, end)`, valid until the callback returns. */
  readonly onDatagram: (bytes: Buffer, start: number, end: number) => void;
  readonly onError: (error: Error) => void;
}

/** A UDP socket that the runtime reads, unless it is paused. */
export interface UdpListener {
  /** The port that was bound. */
  readonly port: number;
  /** Direct access to the kernel, or why it is not available. */
  readonly kernel: UdpKernel | Error;
  /** False: a flood blocks the event loop, because the ICMP message that would interrupt it is filtered. */
  readonly canBeInterrupted: boolean;
  /**
   * Address and port of who sent the datagram that is being passed on; of several, of that one. Undefined: not known;
   * then the next bulk read asks the kernel, which costs time.
   */
  sender?(datagram: number): string | undefined;
  /** Makes the runtime return to the event loop, without losing a datagram. With a `kernel`, it stays paused. */
  pause(): void;
  /** Lets the runtime read again. */
  resume(): void;
  close(): void;
}

/** Most datagrams per bulk read. */
export const BULK_DATAGRAMS = 64;

export interface UdpKernel {
  /** The receive buffer granted, as the kernel reports it: twice the number of bytes that can be asked for. */
  readonly receiveBufferBytes: number;
  /**
   * Passes on up to `BULK_DATAGRAMS` waiting datagrams, if there are any, and returns their number; if that is the
   * maximum, there may be more. They are valid until the callback returns.
   */
  read(onDatagrams: (datagrams: Datagrams) => void): number;
  /** How long datagrams have waited since the kernel received them; undefined: it does not tell. */
  readonly waits?: Waits | undefined;
  /** Datagrams that the kernel dropped at the socket, modulo 2^32; undefined if it cannot tell. */
  drops(): number | undefined;
  /** From now on the kernel refuses what others send. What it already holds can still be read. */
  refuseSenders(): void;
  /** Asks for a different buffer size, and returns what was granted. */
  setReceiveBuffer(bytes: number): number;
  /** Whether other processes may bind the port from now on. */
  setReusePort(allowed: boolean): void;
}

/** In milliseconds; NaN: not known. */
export interface Waits {
  /** A datagram of the last bulk read, chosen by chance. */
  ofBulkRead(): number;
  /** The datagram that the runtime read last, for which this costs a system call. */
  ofRuntime(): number;
}

export interface UdpConnectionParts {
  readonly host: string;
  readonly port: number;
  /** Reports the ICMP answer to an earlier datagram. */
  readonly onError: (error: unknown) => void;
  /** The socket was full, and takes datagrams again. */
  readonly onDrain: () => void;
}

/** A UDP socket connected to one address. */
export interface UdpConnection {
  /** False: the socket is full. @throws the kernel's errno, which may answer an earlier datagram */
  send(datagram: Buffer): boolean;
  /** Returns how many were sent, in order. @throws as `send` */
  sendMany(datagrams: Buffer[]): number;
  /**
   * Sends all that is pending in a batch. Returns how many datagrams were sent, in order, and never throws; if not all
   * were, `send` tells why. Undefined: not available here.
   */
  sendBatch?(batch: Batch): number;
  close(): void;
}

export interface TcpConnectionParts {
  readonly host: string;
  readonly port: number;
  readonly onConnect: () => void;
  readonly onBytes: (bytes: Buffer) => void;
  /**
   * The connection has ended or failed. `error`: the errno, or what else is known; undefined: closed by the peer. May be
   * called more than once.
   */
  readonly onEnd: (error: string | undefined) => void;
}

export interface TcpConnection {
  write(text: string): void;
  /** Closes it at once, even while connecting. Ignore its callbacks afterwards. */
  destroy(): void;
}

export interface TcpListenerParts<Data> {
  readonly host: string;
  readonly port: number;
  readonly socket: {
    open(client: TcpClient<Data>): void;
    data(client: TcpClient<Data>, bytes: Buffer): void;
    drain(client: TcpClient<Data>): void;
    /** The client sends no more, but may still read. */
    end(client: TcpClient<Data>): void;
    timeout(client: TcpClient<Data>): void;
    close(client: TcpClient<Data>): void;
    error(client: TcpClient<Data>): void;
  };
  /** Kernel buffer sizes of each connection in bytes, if they can be set. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

export interface TcpListener {
  /** The port that was bound. */
  readonly port: number;
  /** Accepts no more connections. Those that there are go on. */
  stop(): void;
  /** Closes its connections as well. */
  close(): void;
}

/** An accepted connection. */
export interface TcpClient<Data> {
  data: Data;
  /** Returns how many bytes were taken; -1: it is closed. */
  write(bytes: Buffer): number;
  /** Closes it once everything is sent. */
  end(): void;
  /** Closes it at once. */
  terminate(): void;
  /** Has `timeout` called once, after this many seconds. */
  timeout(seconds: number): void;
  pause(): void;
  resume(): void;
}
