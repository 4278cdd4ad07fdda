/** The links of Markdown documents. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Links and pictures, `[text](target)`: the target. What is code is not looked into. */
const LINK = /\]\(([^()\s]+)\)/g;
const CODE = /^```[\s\S]*?^```|`[^`\n]*`/gm;
const ABSOLUTE = /^[a-z]+:/;

/** Of the documents in a folder: each relative link that leads to no file, or to no heading of its document. */
export function brokenLinksIn(folder: string): string[] {
  const documents = readdirSync(folder).filter((file) => file.endsWith(".md"));
  return documents.flatMap((document) =>
    relativeLinks(readFileSync(join(folder, document), "utf8"))
      .filter((link) => !leadsSomewhere(link, folder, document))
      .map((link) => `${document}: ${link}`),
  );
}

function relativeLinks(text: string): string[] {
  const links = [...text.replace(CODE, "code").matchAll(LINK)].map(([, target]) => target);
  return links.filter((target) => !ABSOLUTE.test(target));
}

function leadsSomewhere(link: string, folder: string, document: string): boolean {
  const [path, anchor] = link.split("#");
  const file = join(folder, path === "" ? document : path);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(readFileSync(file, "utf8"), basename(file)).includes(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string, file: string): string[] {
  if (!file.endsWith(".md")) return [];
  const headings = [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
