/** The part of npm's hashring (it has no types) that the tests use; the same in 1.0.1 and in 3.2.0. */
declare module "hashring" {
  class HashRing {
    /** Points in ascending order. */
    readonly ring: readonly { readonly value: number; readonly server: string }[];
    constructor(weights: Readonly<Record<string, number>>, algorithm: "md5", options?: { readonly replicas?: number });
    /** The owner of a name. */
    get(name: string): string | undefined;
    /** The position of a name on the circle. */
    hashValue(name: string): number;
    /** Index in `ring` of the point that a position belongs to. */
    find(position: number): number;
    add(weights: Readonly<Record<string, number>>): this;
    remove(server: string): this;
  }

  export = HashRing;
}
