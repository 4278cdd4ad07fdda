/** The rings that Etsy's proxy places names on, from the packages that it uses. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compileFunction } from "node:vm";
import HashRing from "hashring";

export type { HashRing };

export const HASH_RINGS = {
  /** statsd's proxy.js from 0.8 on. */
  etsy: (weights: Readonly<Record<string, number>>) => new HashRing(weights, "md5", { replicas: 0 }),
  /** statsd's proxy.js 0.7. */
  ketama: (weights: Readonly<Record<string, number>>) => new KetamaHashRing(weights, "md5"),
};

const KetamaHashRing = loadKetama();

/**
 * hashring 1.0.1 as it is published, but for its one native function, which no longer compiles (it was written for Node
 * 0.8): src/hashvalue.cc puts four bytes together.
 */
function loadKetama(): typeof HashRing {
  const file = require.resolve("hashring-ketama");
  const requireThere = createRequire(file);
  const hash = (a: number, b: number, c: number, d: number) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const requirePatched = (name: string) => (name === "./build/Release/hashvalue" ? { hash } : requireThere(name));
  const loaded = { exports: HashRing };
  compileFunction(readFileSync(file, "utf8"), ["require", "module"])(requirePatched, loaded);
  return loaded.exports;
}
