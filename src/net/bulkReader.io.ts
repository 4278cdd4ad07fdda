/** Reads datagrams in bulk. */
import { ptr } from "bun:ffi";
import { bytesThatStay, type Libc, wordsThatStay } from "../system/libc.io.ts";
import {
  HEADER_CONTROL,
  HEADER_CONTROLLEN,
  HEADER_IOV,
  HEADER_IOVLEN,
  HEADER_LEN,
  HEADER_NAME,
  HEADER_NAMELEN,
  HEADER_WORDS,
  MSG_DONTWAIT,
  putAddress,
  VECTOR_LEN,
  VECTOR_WORDS,
} from "./mmsghdr.ts";
import { BULK_DATAGRAMS } from "./network.ts";
import { SOCKET_ADDRESS_BYTES, socketAddressText } from "./socketAddress.ts";

const DATAGRAM_BYTES_MAX = 65536;
/**
 * Distance between two datagram buffers. Not a power of two, or all of them would compete for the same few cache sets.
 */
const STRIDE_BYTES = DATAGRAM_BYTES_MAX + 23 * 64;

/** Room for the control data of one datagram: a struct cmsghdr with a struct timespec. */
export const CONTROL_WORDS = 8;
/** Only of some datagrams: it costs time. */
const CONTROL_EVERY = 8;
export const CONTROLS = BULK_DATAGRAMS / CONTROL_EVERY;

/**
 * Reads up to 64 datagrams per call into memory that is reused. Bun reads 8 per call and creates three objects for each
 * datagram; this creates none.
 */
export class BulkReader {
  /** One of the control data of the last read, by chance. */
  chosen = 0;
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly memory = bytesThatStay(BULK_DATAGRAMS * STRIDE_BYTES);
  private readonly vectors = wordsThatStay(BULK_DATAGRAMS * VECTOR_WORDS);
  private readonly headers = wordsThatStay(BULK_DATAGRAMS * HEADER_WORDS);
  private readonly control: Uint32Array | undefined;
  private random = 1;
  /** Who sent each datagram, if the kernel was asked. */
  private readonly names = bytesThatStay(BULK_DATAGRAMS * SOCKET_ADDRESS_BYTES);
  private readonly namesAt = ptr(this.names);
  private areNamesWanted = false;
  private areNamesTold = false;
  /** The datagram that is being passed on. */
  private at = -1;
  private readonly headersAt: ReturnType<typeof ptr>;

  /** @param control where the control data of every eighth datagram of a read goes: `CONTROL_WORDS` for each */
  constructor(libc: Libc, fd: number, control?: Uint32Array) {
    this.libc = libc;
    this.fd = fd;
    this.control = control;
    const memoryAt = ptr(this.memory);
    const vectorsAt = ptr(this.vectors);
    for (let i = 0; i < BULK_DATAGRAMS; i++) {
      putAddress(this.vectors, i * VECTOR_WORDS, memoryAt + i * STRIDE_BYTES);
      this.vectors[i * VECTOR_WORDS + VECTOR_LEN] = DATAGRAM_BYTES_MAX;
      putAddress(this.headers, i * HEADER_WORDS + HEADER_IOV, vectorsAt + i * VECTOR_WORDS * 4);
      this.headers[i * HEADER_WORDS + HEADER_IOVLEN] = 1;
    }
    if (control) {
      const controlAt = ptr(control);
      for (let i = 0; i < CONTROLS; i++) {
        const header = i * CONTROL_EVERY * HEADER_WORDS;
        putAddress(this.headers, header + HEADER_CONTROL, controlAt + i * CONTROL_WORDS * 4);
      }
    }
    this.headersAt = ptr(this.headers);
  }

  /**
   * Passes on up to 64 waiting datagrams, each as `bytes[start, end)`, valid until the callback returns. Returns how
   * many there were; if 64, there may be more.
   */
  read(onDatagram: (bytes: Buffer, start: number, end: number) => void): number {
    if (this.control) this.clear(this.control);
    // The kernel writes over the lengths, so they are set for each read.
    if (this.areNamesWanted || this.areNamesTold) this.tellNames(this.areNamesWanted);
    const count = this.libc.recvmmsg(this.fd, this.headersAt, BULK_DATAGRAMS, MSG_DONTWAIT, null);
    for (let i = 0; i < count; i++) {
      const start = i * STRIDE_BYTES;
      this.at = i;
      onDatagram(this.memory, start, start + this.headers[i * HEADER_WORDS + HEADER_LEN]);
    }
    this.at = -1;
    if (count > 0) this.choose(count);
    return Math.max(0, count);
  }

  /** Who sent the datagram that is being passed on; undefined: not known, and then the next read asks the kernel. */
  sender(): string | undefined {
    this.areNamesWanted = !this.areNamesTold;
    return this.areNamesTold && this.at >= 0
      ? socketAddressText(this.names, this.at * SOCKET_ADDRESS_BYTES)
      : undefined;
  }

  private tellNames(isTold: boolean): void {
    this.areNamesTold = isTold;
    for (let i = 0; i < BULK_DATAGRAMS; i++) {
      const header = i * HEADER_WORDS;
      putAddress(this.headers, header + HEADER_NAME, isTold ? this.namesAt + i * SOCKET_ADDRESS_BYTES : 0);
      this.headers[header + HEADER_NAMELEN] = isTold ? SOCKET_ADDRESS_BYTES : 0;
    }
  }

  /** The kernel writes over it, and how much there was. */
  private clear(control: Uint32Array): void {
    control.fill(0);
    for (let i = 0; i < CONTROLS; i++) {
      this.headers[i * CONTROL_EVERY * HEADER_WORDS + HEADER_CONTROLLEN] = CONTROL_WORDS * 4;
    }
  }

  private choose(count: number): void {
    this.random = (Math.imul(this.random, 1_664_525) + 1_013_904_223) >>> 0;
    this.chosen = Math.floor((this.random / 2 ** 32) * Math.ceil(count / CONTROL_EVERY));
  }
}
