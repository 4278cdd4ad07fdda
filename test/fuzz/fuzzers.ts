/** All of them. */
import { CONFIGURATION_FUZZERS } from "./configurations.ts";
import { CONSOLE_FUZZERS } from "./consoleBytes.ts";
import { DATAGRAM_FUZZERS } from "./datagrams.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { HTTP_FUZZERS } from "./httpBytes.ts";

export const FUZZERS: readonly Fuzzer[] = [
  ...DATAGRAM_FUZZERS,
  ...CONSOLE_FUZZERS,
  ...HTTP_FUZZERS,
  ...CONFIGURATION_FUZZERS,
];
