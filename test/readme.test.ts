/** What the documents say that can be checked. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "bun";
import { DOCUMENT, withFigures } from "../scripts/figures.ts";
import { emptyFolder } from "./support/folder.ts";
import { brokenLinksIn } from "./support/links.ts";

test("OPERATING.md lists all counters as the console shows it (bun scripts/figures.ts writes the table)", async () => {
  const text = await Bun.file(DOCUMENT).text();
  expect(text).toContain("<!-- figures: begin -->");
  expect(text).toBe(withFigures(text));
});

test("every relative link leads to a file, and to a heading if it names one", () => {
  expect(brokenLinksIn(fileURLToPath(new URL("..", import.meta.url)))).toEqual([]);
});

test("a link that leads nowhere is found, and so is one to a heading that is not there", () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "here.md"), "# A heading: `code`, and more\n\n```\n# no heading\n[not](a-link)\n```\n");
  const links = [
    "here.md",
    "here.md#a-heading-code-and-more",
    "#own",
    "https://example.com/x",
    "gone.md",
    "here.md#gone",
  ];
  const text = links.map((link) => `[text](${link}) and ![picture](${link})\n`).join("");
  writeFileSync(join(folder, "links.md"), `# Own\n\`[not](a-link)\`\n${text}[no heading](here.md#no-heading)\n`);
  const broken = ["gone.md", "gone.md", "here.md#gone", "here.md#gone", "here.md#no-heading"];
  expect(brokenLinksIn(folder)).toEqual(broken.map((link) => `links.md: ${link}`));
});
