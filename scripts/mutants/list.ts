/** All mutants. */
import { ENGINE } from "./engine.ts";
import { HEALTH } from "./health.ts";
import type { Mutant } from "./mutant.ts";
import { NET } from "./net.ts";
import { OBSERVE } from "./observe.ts";
import { PLACEMENT } from "./placement.ts";
import { RELAY } from "./relay.ts";
import { SERVER } from "./server.ts";
import { TEXT } from "./text.ts";

export const MUTANTS: readonly Mutant[] = [
  ...[...NET, ...RELAY, ...PLACEMENT, ...HEALTH, ...ENGINE],
  ...[...SERVER, ...OBSERVE, ...TEXT],
];
