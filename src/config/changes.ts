/** What differs between two configurations, and what each difference takes while the proxy runs. */
import type { Config, NodeConfig } from "./config.ts";
import { type Change, type Keys, NODE_KEYS, TOP_KEYS } from "./keys.ts";

export interface ChangedKey<Key> {
  readonly key: Key;
  readonly change: Change;
}

/** Keys that only say in another way what `host` is (`address_ipv6`, say) are told as `host`. */
export function changedKeys(before: Config, after: Config): ChangedKey<keyof Config>[] {
  return changedIn(TOP_KEYS, before, after);
}

/** Of a node in both: of one label. */
export function changedNodeKeys(before: NodeConfig, after: NodeConfig): ChangedKey<keyof NodeConfig>[] {
  return changedIn(NODE_KEYS, before, after);
}

function changedIn<Of extends object>(table: Keys, before: Of, after: Of): ChangedKey<keyof Of>[] {
  return Object.entries(table).flatMap(([name, known]) => {
    const key = name as keyof Of;
    return "change" in known && !Bun.deepEquals(before[key], after[key]) ? [{ key, change: known.change }] : [];
  });
}
