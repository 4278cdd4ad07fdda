/** A real browser, without a window. */
import { onTestFinished } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { AtEnd } from "./cleanUp.ts";

export const CHROMIUM = "chromium";

/** Where screenshots go, for people to look at. */
const FOLDER = join(import.meta.dir, "..", "..", "dist", "test", "screenshots");

export async function openBrowser(atEnd: AtEnd): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: Bun.which(CHROMIUM) ?? "",
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
  atEnd(() => browser.close());
  return browser;
}

/** A page until the end of the test, and all that went wrong in it: errors, messages of the console, requests that left the proxy. */
export class Visit {
  readonly page: Page;
  readonly complaints: string[] = [];
  readonly requests: string[] = [];

  private constructor(page: Page, origin: string) {
    this.page = page;
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    page.on("request", (request) => {
      this.requests.push(request.url());
      if (!request.url().startsWith(origin)) this.complaints.push(`a request to ${request.url()}`);
    });
  }

  static async begin(
    browser: Browser,
    origin: string,
    options: BrowserContextOptions = {},
    atEnd: AtEnd = onTestFinished,
  ): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    // A page that nobody looks at any more would still ask and draw.
    atEnd(() => context.close());
    const visit = new Visit(await context.newPage(), origin);
    await visit.page.goto(origin);
    return visit;
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(FOLDER, { recursive: true });
    await this.page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true });
  }
}
