/** When checks take a node down, and when they bring it back up. */

export interface HealthRules {
  /** Consecutive failed checks that take a node down. */
  readonly fall: number;
  /** Consecutive passed checks that bring it back up. */
  readonly rise: number;
}

export interface Health {
  readonly isUp: boolean;
  /** Consecutive checks that contradict the current state. */
  readonly against: number;
}

/** Nodes start as up: a proxy that starts before its backends' consoles must not drop metrics. */
export const STARTS_UP: Health = { isUp: true, against: 0 };

export function afterCheck(health: Health, passed: boolean, rules: HealthRules): Health {
  if (passed === health.isUp) return { isUp: health.isUp, against: 0 };
  const against = health.against + 1;
  const needed = health.isUp ? rules.fall : rules.rise;
  return against < needed ? { isUp: health.isUp, against } : { isUp: passed, against: 0 };
}
