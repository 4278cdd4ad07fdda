/** A root folder run as container engines run an image, by the programs of util-linux and coreutils. */
import { onTestFinished } from "bun:test";
import { readFileSync } from "node:fs";
import { type ProxyPorts, RunningProxy } from "./process.ts";

const NEEDED = ["unshare", "nsenter", "setpriv", "chroot", "mount", "sh"];

/** Why there can be no containers here; or undefined. */
export const NO_CONTAINERS: string | undefined = reason();

function reason(): string | undefined {
  const missing = NEEDED.filter((program) => Bun.which(program) === null);
  if (missing.length > 0) return `there is no ${missing.join(", no ")} here`;
  if (process.getuid?.() !== 0) return "only root may";
  // In many containers root may not, either.
  return Bun.spawnSync(["unshare", "--mount", "--pid", "--fork", "true"]).success ? undefined : "unshare may not";
}

/**
 * In namespaces of mounts and processes of its own: the root folder read-only and in it nothing but /proc, that too; then
 * as the user, with no capability that it could use or get back.
 */
const ENTER = `
root=$1 user=$2; shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc -o ro,nosuid,nodev,noexec proc "$root/proc"
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid \\
  chroot --userspec="$user" --groups= "$root" "$@"
`;

/** The command that runs another, a path in `root` with its arguments, as the first process of a container. */
export function inContainer(root: string, user: string, command: readonly string[]): string[] {
  const enter = ["unshare", "--mount", "--pid", "--fork", "sh", "-euc", ENTER, "enter", root, user];
  return ["env", "-i", `PATH=${process.env.PATH}`, ...enter, ...command];
}

export class ContainedProxy extends RunningProxy {
  private readonly user: string;
  private firstPid: number | undefined;

  constructor(root: string, user: string, command: readonly string[], ports: ProxyPorts) {
    super(inContainer(root, user, command), "/", ports);
    this.user = user;
    // The kernel forgets that it should end with its parent when it becomes another user.
    onTestFinished(() => {
      if (this.firstPid !== undefined) this.killFirst();
    });
  }

  /** The container's first process, as the host counts: the proxy itself. */
  async first(): Promise<number> {
    await this.line("event=listening");
    this.firstPid = Number(readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8"));
    return this.firstPid;
  }

  /** The command that runs another one in the container, as `docker exec` does. */
  async exec(command: readonly string[]): Promise<string[]> {
    const [uid, gid] = this.user.split(":");
    const target = ["--target", String(await this.first()), "--mount", "--pid", "--root", "--wd"];
    return ["nsenter", ...target, "--setuid", uid, "--setgid", gid, ...command];
  }

  private killFirst(): void {
    try {
      process.kill(this.firstPid as number, "SIGKILL");
    } catch {}
  }
}
