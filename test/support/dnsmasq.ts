/** A real name server, and programs that ask it, on a host of their own (Linux, root, iproute2, dnsmasq). */
import { onTestFinished, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary } from "./binary.ts";
import { emptyFolder } from "./folder.ts";
import { type Host, needingNetns } from "./hosts.ts";
import { Running } from "./process.ts";
import { until } from "./until.ts";

const HAS_DNSMASQ = Bun.which("dnsmasq") !== null;

/** Where there can be none, the test is skipped, and says why in its name. */
export function needingDnsmasq(name: string, body: () => Promise<void>): void {
  if (HAS_DNSMASQ) needingNetns.test(name, body);
  else test.skip(`${name} (skipped: there is no dnsmasq here)`, body);
}

/** Names with their addresses. */
export type Records = Readonly<Record<string, readonly string[]>>;

export class Dnsmasq {
  private readonly host: Host;
  private readonly folder: string;
  private readonly file: string;
  private running: Running | undefined;

  private constructor(host: Host) {
    this.host = host;
    this.folder = emptyFolder(onTestFinished);
    this.file = join(this.folder, "records");
  }

  /** On the host's loopback interface, until the end of the test. It is the authority for `test`, and refuses the rest. */
  static async start(host: Host, records: Records): Promise<Dnsmasq> {
    const server = new Dnsmasq(host);
    server.write(records);
    await server.restart();
    return server;
  }

  /** From now on it says this. */
  async say(records: Records): Promise<void> {
    this.write(records);
    const { running } = this;
    if (running === undefined) return;
    const timesRead = () => running.lines.filter((line) => line.includes(`read ${this.file}`)).length;
    const before = timesRead();
    running.signal("SIGHUP");
    await until("that it has read them", () => timesRead() > before);
  }

  signal(signal: NodeJS.Signals): void {
    this.running?.signal(signal);
  }

  async kill(): Promise<void> {
    await this.running?.end();
    this.running = undefined;
  }

  async restart(): Promise<void> {
    const command = [
      ...["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--log-facility=-"],
      ...["--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--local=/test/"],
      // Whoever remembers an answer for that long never sees another.
      ...["--local-ttl=3600", "--max-ttl=3600", `--addn-hosts=${this.file}`],
    ];
    this.running = await this.host.inside(async () => new Running(command, this.folder));
    await this.running.line(`read ${this.file}`);
  }

  /**
   * The compiled binary, where /etc/resolv.conf names this server, and its domain as the one to search; and /etc/hosts
   * says what a test wants.
   */
  async askingBinary(hosts = ""): Promise<string> {
    const path = join(this.folder, "asking");
    const files = { "resolv.conf": "nameserver 127.0.0.1\nsearch test\n", hosts: `127.0.0.1 localhost\n${hosts}` };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
    const mounts = Object.keys(files).map((name) => `mount --bind ${join(this.folder, name)} /etc/${name}`);
    const inside = [...mounts, `exec ${await binary()} "$@"`].join("\n");
    writeFileSync(path, `#!/bin/sh\nexec unshare --mount sh -euc '${inside}' sh "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  private write(records: Records): void {
    const lines = Object.entries(records).flatMap(([name, all]) => all.map((address) => `${address} ${name}\n`));
    writeFileSync(this.file, lines.join(""));
  }
}
