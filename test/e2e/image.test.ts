/** The container image without a container engine: the root folder that the Dockerfile copies, run under its settings. */
import { afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { layOutImage } from "../../scripts/image.ts";
import { Backend, linesArrived } from "../support/backend.ts";
import { endOfFile } from "../support/cleanUp.ts";
import { ask, send } from "../support/client.ts";
import { ContainedProxy, inContainer, NO_CONTAINERS } from "../support/container.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts } from "../support/ports.ts";
import { run } from "../support/process.ts";

setDefaultTimeout(30_000);

const dockerfile = readFileSync(new URL("../../Dockerfile", import.meta.url), "utf8");
const ENTRYPOINT: string[] = JSON.parse(inDockerfile(/^ENTRYPOINT (\[.*\])$/m));
const HEALTHCHECK: string[] = JSON.parse(inDockerfile(/^HEALTHCHECK .* CMD (\[.*\])$/m));
const USER = inDockerfile(/^USER (\d+:\d+)$/m);

const atEnd = endOfFile();
const root = join(emptyFolder(atEnd), "root");
const CONFIG = join(root, "etc", "statsdproxy.json");
let files: string[] = [];

const LINUX = process.platform === "linux";

beforeAll(async () => {
  if (LINUX) files = await layOutImage(root);
});

afterEach(() => rmSync(CONFIG, { force: true }));

function inDockerfile(pattern: RegExp): string {
  const found = pattern.exec(dockerfile)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in the Dockerfile`);
  return found;
}

/** As `-v $(pwd)/etc:/etc` would put it there. */
function configure(settings: object): void {
  writeFileSync(CONFIG, JSON.stringify({ host: "127.0.0.1", ...settings }));
  chmodSync(CONFIG, 0o644);
}

function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length));
}

test("the Dockerfile builds with the Bun that runs the tests", () => {
  const versions = [...dockerfile.matchAll(/oven\/bun:([\d.]+)/g)].map(([, version]) => version);
  expect(versions).toEqual(versions.map(() => Bun.version));
  expect(versions).not.toBeEmpty();
});

test.skipIf(!LINUX)(
  "the image holds the binary, the addon, a loader and libraries, and nothing else (Linux only)",
  () => {
    expect(filesOf(root).sort()).toEqual(files);
    expect(files.filter((file) => !/^\/(usr\/)?lib(64)?\//.test(file))).toEqual([
      "/bin/farmhash.node",
      "/bin/statsd-proxy",
    ]);
    expect(files.length).toBeLessThan(16);
    for (const file of files) expect(statSync(join(root, file)).mode & 0o777).toBe(0o755);
  },
);

const because = NO_CONTAINERS ? ` (skipped: ${NO_CONTAINERS})` : "";
describe.skipIf(NO_CONTAINERS !== undefined)(`read-only, as nobody, with nothing but /proc${because}`, () => {
  test("it starts, relays, is healthy, and ends on SIGTERM", async () => {
    const backend = await Backend.open();
    const [port, managementport] = await freePorts(2);
    configure({ nodes: [backend.node], port, managementport });
    const proxy = new ContainedProxy(root, USER, [...ENTRYPOINT, "-d"], { port, managementport });
    const pid = await proxy.first();

    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\n/m);
    expect(status).toMatch(/^NSpid:\t\d+\t1$/m);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) expect(status).toContain(`${set}:\t0000000000000000\n`);
    expect(status).toContain("NoNewPrivs:\t1\n");
    const mounts = readFileSync(`/proc/${pid}/mounts`, "utf8").trimEnd().split("\n");
    expect(mounts.map((mount) => mount.replace(/^\S+ (\S+) \S+ (\w+),.*/, "$1 $2"))).toEqual(["/ ro", "/proc ro"]);

    await send(proxy, ["in.a.container:1|c"]);
    expect(await linesArrived([backend], 1)).toEqual(["in.a.container:1|c"]);
    expect(await run(await proxy.exec(HEALTHCHECK), "/")).toEqual({ exitCode: 0, stdout: "health: up\n", stderr: "" });
    await ask(proxy, "health down");
    expect(await run(await proxy.exec(HEALTHCHECK), "/")).toMatchObject({ exitCode: 1, stdout: "health: down\n" });

    process.kill(pid, "SIGTERM");
    expect(await proxy.exited).toBe(0);
    expect(await proxy.line("event=stopped")).toContain("lines_relayed=1 lines_refused=0 lines_dropped=0");
    expect(
      proxy.lines.filter((line) => / level=(warn|error) /.test(line) && !/rmem_max|by health down/.test(line)),
    ).toEqual([]);
  });

  test("a name for an address: resolved as /etc/hosts says, once it does", async () => {
    const [port, managementport] = await freePorts(2);
    configure({ nodes: [{ host: "localhost", port: 8130 }], port, managementport });
    const proxy = new ContainedProxy(root, USER, ENTRYPOINT, { port, managementport });
    const first = await proxy.first();
    expect(await proxy.line("event=node_down")).toContain('node=localhost:8130 reason="the name does not resolve');
    // What engines put there.
    const hosts = join(root, "etc", "hosts");
    writeFileSync(hosts, "127.0.0.1 localhost\n", { mode: 0o644 });
    await proxy.line("event=node_up node=localhost:8130");
    process.kill(first, "SIGTERM");
    expect(await proxy.exited).toBe(0);
    rmSync(hosts);
  });

  test("a file that is not there, or that the user may not read: one line with its name", async () => {
    const absent = await run(inContainer(root, USER, ENTRYPOINT), "/");
    expect(absent).toMatchObject({ exitCode: 1, stdout: "" });
    expect(absent.stderr).toMatch(
      /^[^\n]*event=start_failed file=\/etc\/statsdproxy\.json reason="no such file[^\n]*\n$/,
    );
    configure({});
    chmodSync(CONFIG, 0o600);
    const unreadable = await run(inContainer(root, USER, ENTRYPOINT), "/");
    expect(unreadable).toMatchObject({ exitCode: 1, stdout: "" });
    expect(unreadable.stderr).toMatch(
      /^[^\n]*event=start_failed file=\/etc\/statsdproxy\.json [^\n]*permission denied[^\n]*\n$/,
    );
  });

  test("without the addon beside the binary it does the same, and says where that belongs", async () => {
    const without = join(emptyFolder(), "root");
    cpSync(root, without, { recursive: true });
    rmSync(join(without, "bin", "farmhash.node"));
    writeFileSync(
      join(without, "etc", "statsdproxy.json"),
      JSON.stringify({ nodes: [{ host: "127.0.0.1", port: 8130 }] }),
    );
    const { exitCode, stdout, stderr } = await run(inContainer(without, USER, [...ENTRYPOINT, "--check"]), "/");
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining("100.0% of the names") });
    expect(stderr).toMatch(/^warning: the farmhash addon cannot be loaded, .* as \/bin\/farmhash\.node\n$/);
  });
});
