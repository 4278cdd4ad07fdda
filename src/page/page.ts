/** The status page as it is served: one document, with its script and its style inside. */
import type { Page } from "../http/answers.ts";
import { bundle } from "./bundle.io.ts" with { type: "macro" };

export const PAGE: Page = bundle();
