/** When checks take a node out, and when they take it back. */

export interface HealthRules {
  /** Checks in a row that must fail to take a node out. */
  readonly fall: number;
  /** Checks in a row that must pass to take it back. */
  readonly rise: number;
}

export interface Health {
  readonly isUp: boolean;
  /** Checks in a row that spoke against the present state. */
  readonly against: number;
}

/** Every node starts as up: a proxy that starts before its backends' consoles do must not throw metrics away. */
export const STARTS_UP: Health = { isUp: true, against: 0 };

export function afterCheck(health: Health, passed: boolean, rules: HealthRules): Health {
  if (passed === health.isUp) return { isUp: health.isUp, against: 0 };
  const against = health.against + 1;
  const needed = health.isUp ? rules.fall : rules.rise;
  return against < needed ? { isUp: health.isUp, against } : { isUp: passed, against: 0 };
}
