/**
 * The network as the proxy is given it: Bun's and the kernel's (bunNetwork.io.ts), or a simulated one. Hosts are IP
 * addresses unless it is said otherwise.
 */

export interface Network {
  /**
   * The address of a host, by name or address.
   * @throws what a look-up throws: ENOTFOUND, EAI_AGAIN
   */
  resolve(host: string): Promise<string>;
  /** The addresses of this machine. */
  ownAddresses(): readonly string[];
  /** Whether there is a file descriptor left. */
  hasDescriptor(): boolean;
  /**
   * Whether a UDP socket is told each answer of a host to its datagrams by `onError`, also one that was the error of a
   * `send` already, as Linux does. Elsewhere each is told once.
   */
  readonly repeatsAnswers: boolean;
  /** @throws what bind throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  listenUdp(parts: UdpListenerParts): Promise<UdpListener>;
  /** @throws what connect throws: ENETUNREACH, EACCES */
  connectUdp(parts: UdpConnectionParts): Promise<UdpConnection>;
  connectTcp(parts: TcpConnectionParts): TcpConnection;
  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  listenTcp<Data>(parts: TcpListenerParts<Data>): TcpListener;
}

/** A datagram, `bytes[start, end)`, which holds until this returns. */
type OnDatagram = (bytes: Buffer, start: number, end: number) => void;

export interface UdpListenerParts {
  readonly host: string;
  readonly port: number;
  /** Bytes of kernel buffer to ask for. */
  readonly receiveBuffer: number;
  /** A datagram that the runtime has read by itself. */
  readonly onDatagram: OnDatagram;
  readonly onError: (error: Error) => void;
}

/** A UDP socket that is read by the runtime, until it is paused. */
export interface UdpListener {
  /** As bound. */
  readonly port: number;
  /** What goes past the runtime, straight to the kernel; or why there is no such way here. */
  readonly kernel: UdpKernel | Error;
  /** False: a flood keeps the event loop from everything else, because the ICMP that would interrupt it is filtered. */
  readonly canBeInterrupted: boolean;
  /** Has the runtime return to the event loop, without losing a datagram. Where there is a `kernel`, it stays paused. */
  pause(): void;
  /** The runtime reads again. */
  resume(): void;
  close(): void;
}

/** Most datagrams of one reading in bulk. */
export const BULK_DATAGRAMS = 64;

export interface UdpKernel {
  /** The receive buffer that was granted, as the kernel reports it: twice the bytes that it lets one ask. */
  readonly receiveBufferBytes: number;
  /** Hands over up to `BULK_DATAGRAMS` datagrams that wait; returns how many there were: if all, there may be more. */
  read(onDatagram: OnDatagram): number;
  /** Datagrams that the kernel dropped at the socket, modulo 2^32; undefined where it cannot be asked. */
  drops(): number | undefined;
  /** From now on the kernel turns away what others send. What it holds already can still be read. */
  turnAway(): void;
  /** Asks for another buffer, and returns what was granted. */
  setReceiveBuffer(bytes: number): number;
}

export interface UdpConnectionParts {
  readonly host: string;
  readonly port: number;
  /** The answer to an earlier datagram. */
  readonly onError: (error: unknown) => void;
  /** The socket was full, and takes datagrams again. */
  readonly onDrain: () => void;
}

/** A UDP socket that is connected to one address. */
export interface UdpConnection {
  /** False: it is full. @throws the errno that the kernel gives, also one that answers an earlier datagram */
  send(datagram: Buffer): boolean;
  /** How many were sent, first to last. @throws as `send` */
  sendMany(datagrams: Buffer[]): number;
  close(): void;
}

export interface TcpConnectionParts {
  readonly host: string;
  readonly port: number;
  readonly onConnect: () => void;
  readonly onBytes: (bytes: Buffer) => void;
  /** It is over, or was never there. `error`: why; undefined: the other side closed it. May come more than once. */
  readonly onEnd: (error: string | undefined) => void;
}

export interface TcpConnection {
  write(text: string): void;
  /** Ends it at once, also while it is still being made. What it tells afterwards is void. */
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
  /** Bytes of kernel buffer for each connection, as far as that can be set. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

export interface TcpListener {
  /** As bound. */
  readonly port: number;
  /** Ends all its connections, too. */
  close(): void;
}

/** A connection that was accepted. */
export interface TcpClient<Data> {
  data: Data;
  /** How many bytes were taken; -1: it is closed. */
  write(bytes: Buffer): number;
  /** Ends it when all is sent. */
  end(): void;
  /** Ends it at once. */
  terminate(): void;
  /** Has `timeout` called once, after so many seconds. */
  timeout(seconds: number): void;
  pause(): void;
  resume(): void;
}
