/** The archive of this machine, as a release has it. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { version } from "../../package.json";
import { build } from "../../scripts/build.ts";
import { makeArchive, writeSums } from "../../scripts/buildAll.ts";
import { hostTarget } from "../../scripts/targets.ts";
import { emptyFolder } from "../support/folder.ts";
import { run } from "../support/process.ts";

setDefaultTimeout(60_000);

test.skipIf(process.platform !== "linux")(
  "an archive is whole by its sum, and what it holds runs (Linux only)",
  async () => {
    const folder = emptyFolder();
    const archive = await makeArchive(folder, hostTarget());
    const name = `statsd-proxy-${version}-${hostTarget().name}`;
    expect(basename(archive)).toBe(`${name}.tar.gz`);

    writeSums(folder, [archive]);
    expect(await run(["sha256sum", "-c", "SHA256SUMS"], folder)).toMatchObject({
      exitCode: 0,
      stdout: `${name}.tar.gz: OK\n`,
    });

    const listed = await run(["tar", "-tvzf", archive], folder);
    const rows = listed.stdout
      .trimEnd()
      .split("\n")
      .map((row) => row.split(/\s+/));
    expect(rows.map(([mode, owner, , , , path]) => `${mode} ${owner} ${path}`)).toEqual([
      `drwxr-xr-x 0/0 ${name}/`,
      `-rw-r--r-- 0/0 ${name}/CHANGELOG.md`,
      `-rw-r--r-- 0/0 ${name}/LICENSE`,
      `-rw-r--r-- 0/0 ${name}/README.md`,
      `-rw-r--r-- 0/0 ${name}/exampleConfig.json`,
      `-rwxr-xr-x 0/0 ${name}/statsd-proxy`,
      `-rw-r--r-- 0/0 ${name}/statsd-proxy.service`,
    ]);

    await run(["tar", "-xzf", archive], folder);
    const { exitCode, stdout } = await run(
      ["./statsd-proxy", "--check", "-f", "exampleConfig.json"],
      join(folder, name),
    );
    expect(exitCode).toBe(0);
    expect(stdout.match(/3\d\.\d % of the names/g)).toHaveLength(3);
  },
);

test("the same sources make the same binary, wherever", async () => {
  const folder = emptyFolder();
  const files = ["here", "there"].map((place) => join(folder, place, "statsd-proxy"));
  for (const file of files) {
    mkdirSync(join(file, ".."));
    await build(file);
  }
  const [here, there] = files.map((file) => readFileSync(file));
  expect(here.equals(there)).toBe(true);
});
