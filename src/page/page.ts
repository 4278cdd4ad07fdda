/** The status page as served: one document, including its script and style. */
import type { Page } from "../http/answers.ts";
import { bundle } from "./bundle.io.ts" with { type: "macro" };

export const PAGE: Page = bundle();
