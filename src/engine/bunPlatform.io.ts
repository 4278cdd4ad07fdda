/** The real platform: Bun and the system below it. */
import { hostname } from "node:os";
import { bunNetwork } from "../net/bunNetwork.io.ts";
import { loadFingerprint32 } from "../placement/farmhash.io.ts";
import { systemClock } from "../system/clock.io.ts";
import { descriptorLimit } from "../system/descriptors.io.ts";
import { memoryReader, processReader } from "../system/processFigures.io.ts";
import type { Platform } from "./platform.ts";

export const bunPlatform: Platform = {
  clock: systemClock,
  network: bunNetwork,
  resources: processReader(Date.now() / 1000),
  memory: memoryReader(),
  descriptorLimit,
  loadFingerprint32,
  hostName: hostname(),
  random32: () => crypto.getRandomValues(new Int32Array(1))[0],
};
