/** What somebody at a terminal wants to see of the nodes: which, in which order, from which one on. Pure: keys in. */

const SORTS = ["worst first", "node", "relayed/s", "share", "dropped/s"] as const;
type Sort = (typeof SORTS)[number];

export interface TopView {
  /** Part of a node's name or state. */
  readonly filter: string;
  /** The filter is being typed. */
  readonly isTyping: boolean;
  readonly sort: Sort;
  /** Rows above the first that is shown. */
  readonly offset: number;
}

export const FIRST_VIEW: TopView = { filter: "", isTyping: false, sort: "worst first", offset: 0 };

const FILTER_MAX = 100;
const PAGE = 10;
const STEPS: Readonly<Record<string, number>> = {
  ...{ j: 1, "\x1b[B": 1, k: -1, "\x1b[A": -1 },
  ...{ " ": PAGE, "\x1b[6~": PAGE, b: -PAGE, "\x1b[5~": -PAGE },
  ...{ g: Number.NEGATIVE_INFINITY, "\x1b[H": Number.NEGATIVE_INFINITY },
};

/** After what one read of a terminal gave: usually one key. */
export function afterKeys(view: TopView, keys: string): TopView {
  const step = view.isTyping ? undefined : STEPS[keys];
  if (step !== undefined) return { ...view, offset: Math.max(0, view.offset + step) };
  return [...keys].reduce(afterKey, view);
}

function afterKey(view: TopView, key: string): TopView {
  const { filter, isTyping, sort } = view;
  if (isTyping) {
    if (key === "\r" || key === "\n") return { ...view, isTyping: false };
    if (key === "\x1b") return { ...view, isTyping: false, filter: "", offset: 0 };
    if (key === "\x7f" || key === "\b") return { ...view, filter: filter.slice(0, -1), offset: 0 };
    if (key < " " || filter.length >= FILTER_MAX) return view;
    return { ...view, filter: filter + key, offset: 0 };
  }
  if (key === "/") return { ...view, isTyping: true, filter: "", offset: 0 };
  if (key === "s") return { ...view, sort: SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length], offset: 0 };
  return view;
}
