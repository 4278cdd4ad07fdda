/**
 * struct mmsghdr and struct iovec on 64-bit Linux, in 32-bit words: what recvmmsg and sendmmsg take.
 *
 *     name(2) namelen pad iov(2) iovlen(2) control(2) controllen(2) flags pad len pad          base(2) len(2)
 */
export const HEADER_WORDS = 16;
export const HEADER_NAME = 0;
export const HEADER_NAMELEN = 2;
export const HEADER_IOV = 4;
export const HEADER_IOVLEN = 6;
export const HEADER_CONTROL = 8;
export const HEADER_CONTROLLEN = 10;
/** Bytes received. */
export const HEADER_LEN = 14;
export const VECTOR_WORDS = 4;
export const VECTOR_LEN = 2;

export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

/** Addresses are below 2^53, so a double holds them. */
export function putAddress(words: Uint32Array, at: number, address: number): void {
  words[at] = address;
  words[at + 1] = address / 2 ** 32;
}
