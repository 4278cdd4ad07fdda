/** A real browser, without a window. */
import { onTestFinished } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { AtEnd } from "./cleanUp.ts";
import { until } from "./until.ts";

/** Debian's shell without any window takes half the processor time. */
export const CHROMIUM = Bun.which("chromium-headless-shell") === null ? "chromium" : "chromium-headless-shell";

/** Where screenshots go, for people to look at. */
const FOLDER = join(import.meta.dir, "..", "..", "dist", "test", "screenshots");

const SCREENSHOT_MS_MAX = 10_000;

/** A page shows something new once a second. */
const LOOK_AGAIN_MS = 200;

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

/** As `until`, for what a page shows: each look goes through the browser, and costs a hundred times as much. */
export async function untilShown<T>(what: string, ready: () => Promise<T>, deadlineMs?: number) {
  return await until(what, ready, deadlineMs, LOOK_AGAIN_MS);
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
    const visit = new Visit(await pageOf(browser, options, atEnd), origin);
    await visit.page.goto(origin);
    return visit;
  }

  /** For people: a browser that takes none (Chromium 156 hung once) says nothing of the page. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(FOLDER, { recursive: true });
    const options = { path: join(FOLDER, `${name}.png`), fullPage: true, timeout: SCREENSHOT_MS_MAX };
    await this.page.screenshot(options).catch((error: Error) => console.error(`no ${name}.png: ${error.message}`));
  }
}

/** Of each browser, the window for one visit after the other: a new one costs seconds of a processor (Chromium 156). */
const windows = new Map<Browser, Page>();

async function pageOf(browser: Browser, options: BrowserContextOptions, atEnd: AtEnd): Promise<Page> {
  const { colorScheme = "light", ...special } = options;
  const isUsual = Object.keys(special).length === 0;
  const idle = isUsual ? windows.get(browser) : undefined;
  const page = idle ?? (await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options }));
  if (!isUsual) {
    atEnd(() => page.close());
    return page;
  }
  windows.delete(browser);
  await page.emulateMedia({ colorScheme });
  // A page that nobody looks at any more would still ask and draw.
  atEnd(async () => {
    page.removeAllListeners();
    await page.unrouteAll();
    await page.goto("about:blank");
    windows.set(browser, page);
  });
  return page;
}
