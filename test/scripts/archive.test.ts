/** The archive of this machine, as a release has it. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { version } from "../../package.json";
import { makeArchive, writeSums } from "../../scripts/buildAll.ts";
import { hostTarget } from "../../scripts/targets.ts";
import { binary } from "../support/binary.ts";
import { emptyFolder } from "../support/folder.ts";
import { brokenLinksIn } from "../support/links.ts";
import { run } from "../support/process.ts";

setDefaultTimeout(180_000);

test.skipIf(process.platform !== "linux")(
  "an archive is whole by its sum, what it holds runs, and the same sources make the same binary elsewhere (Linux only)",
  async () => {
    const folder = emptyFolder();
    // Compressed as little as possible: a release takes five seconds longer for it.
    const archive = await makeArchive(folder, hostTarget(), 1);
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
      `drwxr-xr-x 0/0 ${name}/.github/`,
      `-rw-r--r-- 0/0 ${name}/.github/status-page.png`,
      `-rw-r--r-- 0/0 ${name}/ARCHITECTURE.md`,
      `-rw-r--r-- 0/0 ${name}/CHANGELOG.md`,
      `-rw-r--r-- 0/0 ${name}/CONTRIBUTING.md`,
      `-rw-r--r-- 0/0 ${name}/LICENSE`,
      `-rw-r--r-- 0/0 ${name}/OPERATING.md`,
      `-rw-r--r-- 0/0 ${name}/PERFORMANCE.md`,
      `-rw-r--r-- 0/0 ${name}/README.md`,
      `-rw-r--r-- 0/0 ${name}/exampleConfig.json`,
      `drwxr-xr-x 0/0 ${name}/scripts/`,
      `-rw-r--r-- 0/0 ${name}/scripts/alerts.yaml`,
      `-rw-r--r-- 0/0 ${name}/scripts/dashboard.json`,
      `-rw-r--r-- 0/0 ${name}/scripts/kubernetes.yaml`,
      `-rw-r--r-- 0/0 ${name}/scripts/statsd-proxy.service`,
      `-rw-r--r-- 0/0 ${name}/scripts/statsd-proxy@.service`,
      `-rwxr-xr-x 0/0 ${name}/statsd-proxy`,
    ]);

    await run(["tar", "-xzf", archive], folder);
    expect(brokenLinksIn(join(folder, name))).toEqual([]);
    const { exitCode, stdout } = await run(
      ["./statsd-proxy", "--check", "-f", "exampleConfig.json"],
      join(folder, name),
    );
    expect(exitCode).toBe(0);
    expect(stdout.match(/3\d\.\d% of the names/g)).toHaveLength(3);

    // Built in another folder, and as a rule by another process.
    const [here, there] = [join(folder, name, "statsd-proxy"), await binary()].map((file) => readFileSync(file));
    expect(here.equals(there)).toBe(true);
  },
);
