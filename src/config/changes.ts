/** The differences between two configurations, and what each takes while the proxy runs. */
import type { Config, NodeConfig } from "./config.ts";
import { type Change, type Keys, NODE_KEYS, TOP_KEYS } from "./keys.ts";

export interface ChangedKey<Key> {
  readonly key: Key;
  readonly change: Change;
}

/** Keys that only affect what `host` is (such as `address_ipv6`) are reported as `host`. */
export function changedKeys(before: Config, after: Config): ChangedKey<keyof Config>[] {
  return changedIn(TOP_KEYS, before, after);
}

/** For a node that is in both, with the same label. */
export function changedNodeKeys(before: NodeConfig, after: NodeConfig): ChangedKey<keyof NodeConfig>[] {
  return changedIn(NODE_KEYS, before, after);
}

function changedIn<Of extends object>(table: Keys, before: Of, after: Of): ChangedKey<keyof Of>[] {
  return Object.entries(table).flatMap(([name, known]) => {
    const key = name as keyof Of;
    return "change" in known && !Bun.deepEquals(before[key], after[key]) ? [{ key, change: known.change }] : [];
  });
}
