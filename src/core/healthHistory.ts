/** What the health checks of all nodes found last, and the last times that a node was taken out or back. */

/** Changes that are remembered. */
const CHANGES_MAX = 50;

export interface Check {
  readonly atMs: number;
  readonly durationMs: number;
  /** Undefined: passed. */
  readonly failure: string | undefined;
}

export interface NodeHealth {
  /** Since when it is in its present state. */
  readonly sinceMs: number;
  /** Times that it was taken out or back. */
  readonly changes: number;
  /** Undefined before the first. */
  readonly lastCheck: Check | undefined;
}

export interface HealthChange {
  readonly atMs: number;
  readonly node: number;
  readonly isUp: boolean;
  /** What was wrong; undefined: nothing, it is back. */
  readonly failure: string | undefined;
}

/** Times are those of the wall clock: they are for people. */
export class HealthHistory {
  /** Oldest first. */
  readonly changes: HealthChange[] = [];
  private readonly nodes: NodeHealth[];

  constructor(nodeCount: number, nowMs: number) {
    this.nodes = Array.from({ length: nodeCount }, () => ({ sinceMs: nowMs, changes: 0, lastCheck: undefined }));
  }

  of(node: number): NodeHealth {
    return this.nodes[node];
  }

  /** Takes in a check. `isUp`: the state that it brought the node to; undefined: it changed none. */
  record(node: number, check: Check, isUp: boolean | undefined): void {
    const { sinceMs, changes } = this.nodes[node];
    if (isUp === undefined) {
      this.nodes[node] = { sinceMs, changes, lastCheck: check };
      return;
    }
    this.nodes[node] = { sinceMs: check.atMs, changes: changes + 1, lastCheck: check };
    this.changes.push({ atMs: check.atMs, node, isUp, failure: check.failure });
    if (this.changes.length > CHANGES_MAX) this.changes.shift();
  }
}
