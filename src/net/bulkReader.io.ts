/** Reads datagrams in bulk. */
import { type Pointer, ptr } from "bun:ffi";
import { coreMemory } from "../core/core.ts";
import { Datagrams } from "../core/datagrams.ts";
import { bytesThatStay, type Libc } from "../system/libc.io.ts";
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
 * Reads up to 64 datagrams per call into the core's memory. Bun reads 8 per call and creates three objects for each
 * datagram; this creates none.
 */
export class BulkReader {
  /** One of the control data of the last read, by chance. */
  chosen = 0;
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly slots = coreMemory.block(this, BULK_DATAGRAMS * STRIDE_BYTES);
  private readonly vectors = coreMemory.block(this, BULK_DATAGRAMS * VECTOR_WORDS * 4);
  private readonly headers = coreMemory.block(this, BULK_DATAGRAMS * HEADER_WORDS * 4);
  private readonly control: Uint32Array | undefined;
  private readonly datagrams: Datagrams;
  private random = 1;
  /** Who sent each datagram, if the kernel was asked. */
  private readonly names = bytesThatStay(BULK_DATAGRAMS * SOCKET_ADDRESS_BYTES);
  private readonly namesAt = ptr(this.names);
  private areNamesWanted = false;
  private areNamesTold = false;
  private isPassingOn = false;
  /** The memory that the headers have the addresses of, and the headers' own address. */
  private memory: Buffer | undefined;
  private headersAt = 0;

  /** @param control where the control data of every eighth datagram of a read goes: `CONTROL_WORDS` for each */
  constructor(libc: Libc, fd: number, control?: Uint32Array) {
    this.libc = libc;
    this.fd = fd;
    this.control = control;
    this.datagrams = new Datagrams(
      { at: this.slots, stride: STRIDE_BYTES },
      { at: this.headers + HEADER_LEN * 4, stride: HEADER_WORDS * 4 },
    );
  }

  /** Passes on the datagrams that wait, up to 64, if there are any. Returns how many; if 64, there may be more. */
  read(onDatagrams: (datagrams: Datagrams) => void): number {
    if (this.memory !== coreMemory.bytes) this.putHeaders();
    // The kernel writes over the lengths, so they are set for each read.
    if (this.control) this.tellControl();
    if (this.areNamesWanted || this.areNamesTold) this.tellNames(this.areNamesWanted);
    const count = this.libc.recvmmsg(this.fd, this.headersAt as Pointer, BULK_DATAGRAMS, MSG_DONTWAIT, null);
    if (count <= 0) return 0;
    this.choose(count);
    this.datagrams.have(count);
    this.isPassingOn = true;
    try {
      onDatagrams(this.datagrams);
    } finally {
      this.isPassingOn = false;
    }
    return count;
  }

  /** Who sent one of those that are being passed on; undefined: not known, and then the next read asks the kernel. */
  sender(datagram: number): string | undefined {
    this.areNamesWanted = !this.areNamesTold;
    return this.areNamesTold && this.isPassingOn
      ? socketAddressText(this.names, datagram * SOCKET_ADDRESS_BYTES)
      : undefined;
  }

  /** The kernel is told addresses, so this is done anew when the memory has grown. */
  private putHeaders(): void {
    this.memory = coreMemory.bytes;
    const { words } = coreMemory;
    const base = ptr(coreMemory.bytes);
    this.headersAt = base + this.headers;
    words.fill(0, this.headers / 4, this.headers / 4 + BULK_DATAGRAMS * HEADER_WORDS);
    words.fill(0, this.vectors / 4, this.vectors / 4 + BULK_DATAGRAMS * VECTOR_WORDS);
    for (let i = 0; i < BULK_DATAGRAMS; i++) {
      const vector = this.vectors / 4 + i * VECTOR_WORDS;
      const header = this.headers / 4 + i * HEADER_WORDS;
      putAddress(words, vector, base + this.slots + i * STRIDE_BYTES);
      words[vector + VECTOR_LEN] = DATAGRAM_BYTES_MAX;
      putAddress(words, header + HEADER_IOV, base + this.vectors + i * VECTOR_WORDS * 4);
      words[header + HEADER_IOVLEN] = 1;
    }
    const { control } = this;
    if (control === undefined) return;
    const controlAt = ptr(control);
    for (let i = 0; i < CONTROLS; i++) {
      const header = this.headers / 4 + i * CONTROL_EVERY * HEADER_WORDS;
      putAddress(words, header + HEADER_CONTROL, controlAt + i * CONTROL_WORDS * 4);
    }
  }

  private tellNames(isTold: boolean): void {
    this.areNamesTold = isTold;
    const { words } = coreMemory;
    for (let i = 0; i < BULK_DATAGRAMS; i++) {
      const header = this.headers / 4 + i * HEADER_WORDS;
      putAddress(words, header + HEADER_NAME, isTold ? this.namesAt + i * SOCKET_ADDRESS_BYTES : 0);
      words[header + HEADER_NAMELEN] = isTold ? SOCKET_ADDRESS_BYTES : 0;
    }
  }

  /** Of each eighth datagram the kernel writes the time, always, and how much it has written. */
  private tellControl(): void {
    const { words } = coreMemory;
    for (let i = 0; i < CONTROLS; i++) {
      words[this.headers / 4 + i * CONTROL_EVERY * HEADER_WORDS + HEADER_CONTROLLEN] = CONTROL_WORDS * 4;
    }
  }

  private choose(count: number): void {
    this.random = (Math.imul(this.random, 1_664_525) + 1_013_904_223) >>> 0;
    this.chosen = Math.floor((this.random / 2 ** 32) * Math.ceil(count / CONTROL_EVERY));
  }
}
