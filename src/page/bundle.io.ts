/**
 * Makes one document of index.html and everything it refers to. A macro: it runs when page.ts is compiled, and its
 * result replaces the call, so that a compiled binary needs no files and `bun src/main.ts` no build.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "../http/answers.ts";

export function bundle(): Page {
  const folder = mkdtempSync(join(tmpdir(), "statsd-proxy-page-"));
  try {
    // Runs in a separate process, because Bun.build cannot be called from within a macro (Bun 1.4.5). For browsers,
    // --compile means a single file.
    const options = ["--compile", "--target=browser", "--minify", `--outdir=${folder}`];
    const command = [process.execPath, "build", ...options, join(import.meta.dir, "index.html")];
    const { exitCode, stderr } = Bun.spawnSync(command);
    if (exitCode !== 0) throw new Error(`the page cannot be bundled: ${stderr}`);
    const html = readFileSync(join(folder, "index.html"), "utf8");
    return { html, contentSecurityPolicy: contentSecurityPolicyOf(html) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Allows the script and style in the document, requests to its origin, and nothing else. */
function contentSecurityPolicyOf(html: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashesOf(html, "script")}`,
    `style-src ${hashesOf(html, "style")}`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function hashesOf(html: string, tag: "script" | "style"): string {
  const contents = [...html.matchAll(new RegExp(`<${tag}\\b[^>]*>([\\s\\S]*?)</${tag}>`, "g"))].map(([, text]) => text);
  if (contents.length === 0) throw new Error(`the page has no ${tag}`);
  return contents.map((text) => `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`).join(" ");
}
