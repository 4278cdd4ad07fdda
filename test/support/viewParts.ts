/** The parts of a view that say nothing in particular: nothing is lost, nothing has moved. */
import { NOTHING_RECENT } from "../../src/observe/recent.ts";
import type { View } from "../../src/observe/view.ts";

export const QUIET_VIEW = {
  nowMs: 9000,
  settings: { mirror: false, failover: "rehash", receiveBuffer: 4_194_304 },
  health: { isUp: true, sinceMs: 0 },
  recent: NOTHING_RECENT,
  namesMoved: 0,
  delay: {
    ...{ p50Seconds: 0.00012, p99Seconds: 0.0104, count: 3, sumSeconds: 0.0111 },
    counts: [0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3],
  },
} satisfies Partial<View>;

/** Which proxy it is. */
export const IDENTITY = { version: "1.2.3", hostName: "here", file: "statsd.json", port: 8125 };
