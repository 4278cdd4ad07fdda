/** Reads datagrams in bulk. */
import { ptr } from "bun:ffi";
import type { Libc } from "../system/libc.io.ts";

import { BULK_DATAGRAMS } from "./network.ts";

const MSG_DONTWAIT = 0x40;

const DATAGRAM_BYTES_MAX = 65536;
/**
 * Distance between two datagram buffers. Not a power of two, or all of them would compete for the same few cache sets.
 */
const STRIDE_BYTES = DATAGRAM_BYTES_MAX + 23 * 64;
// struct mmsghdr on 64-bit Linux, in 32-bit words: name(2) namelen pad iov(2) iovlen(2) control(2) controllen(2) flags
// pad, then len and pad.
const HEADER_WORDS = 16;
const HEADER_IOV = 4;
const HEADER_IOVLEN = 6;
const HEADER_LEN = 14;

/**
 * Reads up to 64 datagrams per call into memory that is reused. Bun reads 8 per call and creates three objects for each
 * datagram; this creates none.
 */
export class BulkReader {
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly memory = Buffer.allocUnsafeSlow(BULK_DATAGRAMS * STRIDE_BYTES);
  private readonly vectors = new BigUint64Array(BULK_DATAGRAMS * 2);
  private readonly headers = new Uint32Array(BULK_DATAGRAMS * HEADER_WORDS);
  private readonly headersAt: ReturnType<typeof ptr>;

  constructor(libc: Libc, fd: number) {
    this.libc = libc;
    this.fd = fd;
    const memoryAt = BigInt(ptr(this.memory));
    const vectorsAt = BigInt(ptr(this.vectors));
    const headers64 = new BigUint64Array(this.headers.buffer);
    for (let i = 0; i < BULK_DATAGRAMS; i++) {
      this.vectors[2 * i] = memoryAt + BigInt(i * STRIDE_BYTES);
      this.vectors[2 * i + 1] = BigInt(DATAGRAM_BYTES_MAX);
      headers64[(i * HEADER_WORDS + HEADER_IOV) / 2] = vectorsAt + BigInt(i * 16);
      headers64[(i * HEADER_WORDS + HEADER_IOVLEN) / 2] = 1n;
    }
    this.headersAt = ptr(this.headers);
  }

  /**
   * Passes on up to 64 waiting datagrams, each as `bytes[start, end)`, valid until the callback returns. Returns how
   * many there were; if 64, there may be more.
   */
  read(onDatagram: (bytes: Buffer, start: number, end: number) => void): number {
    const count = this.libc.recvmmsg(this.fd, this.headersAt, BULK_DATAGRAMS, MSG_DONTWAIT, null);
    for (let i = 0; i < count; i++) {
      const start = i * STRIDE_BYTES;
      onDatagram(this.memory, start, start + this.headers[i * HEADER_WORDS + HEADER_LEN]);
    }
    return Math.max(0, count);
  }
}
