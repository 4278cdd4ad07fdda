/** `statsd-proxy top`: the compiled binary as text, and at a terminal. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { Backend } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { send } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePort, freePorts } from "../support/ports.ts";
import { configFile, Running, run, startProxyWith } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** A proxy in a folder of its own, and how it is started again. */
async function proxyInFolder() {
  const backend = await Backend.open();
  const [port, managementport] = await freePorts(2);
  const folder = emptyFolder();
  const settings = { nodes: [backend.node], host: "127.0.0.1", port, managementport };
  const file = configFile(folder, settings);
  const start = () => startProxyWith(file, settings, { folder });
  return { folder, file, start, proxy: await start(), label: `127.0.0.1:${backend.port}` };
}

describe("as text", () => {
  test("shows totals, rates and nodes, as often as it is told to", async () => {
    const { proxy, folder, label } = await proxyInFolder();
    await send(proxy, ["a:1|c\nbad"]);
    const command = [await binary(), "top", `127.0.0.1:${proxy.consolePort}`, "-n", "2", "-i", "0.1"];
    const { stdout, stderr, exitCode } = await run(command, folder);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/^[\x20-\x7e\n]*$/);
    const frames = stdout.trimEnd().split("\n\nstatsd-proxy ");
    expect(frames).toHaveLength(2);
    for (const frame of frames) {
      expect(frame).toContain(`127.0.0.1:${proxy.consolePort}   up 00:00:0`);
      expect(frame).toMatch(/^lines received +0 +2$/m);
      expect(frame).toMatch(/^lines rejected +0 +1$/m);
      expect(frame).toMatch(new RegExp(`^${label} +up +0 +100\\.0% +0 +0 +0 +0 +0 +0$`, "m"));
    }
  });

  test("finds the console by the configuration file, or by its port", async () => {
    const { proxy, folder, file } = await proxyInFolder();
    for (const where of [["-f", file], [String(proxy.consolePort)]]) {
      const { stdout } = await run([await binary(), "top", ...where, "-n", "1", "-i", "0.01"], folder);
      expect(stdout).toStartWith(`statsd-proxy 127.0.0.1:${proxy.consolePort}   up `);
    }
  });

  test("says when the proxy is gone, and goes on when it is back", async () => {
    const { proxy, folder, start } = await proxyInFolder();
    const top = new Running([await binary(), "top", String(proxy.consolePort), "-i", "0.02"], folder);
    await top.line("nodes: 1 of 1 up");
    await proxy.end();
    await top.line(`127.0.0.1:${proxy.consolePort}: cannot be reached (ECONNREFUSED)`);
    await start();
    await until("a frame without a failure", () => {
      const frame = top.lines.findLastIndex((line) => line.startsWith("statsd-proxy "));
      return top.lines[frame].includes("nodes: 1 of 1 up") && top.lines[frame + 2]?.startsWith("ok: ");
    });
    top.signal("SIGTERM");
    expect(await top.exited).toBe(0);
  });

  test("ends when nobody reads on", async () => {
    const { proxy, folder } = await proxyInFolder();
    const typed = `${await binary()} top ${proxy.consolePort} -i 0.01 | head -n1`;
    const { stdout, stderr } = await run(["bash", "-c", typed], folder);
    expect(stdout).toStartWith("statsd-proxy ");
    expect(stderr).toBe("");
  });

  test("says in one line what is wrong, exit code 1", async () => {
    const port = await freePort();
    const top = async (...args: string[]) => await run([await binary(), "top", ...args], emptyFolder());
    expect(await top(String(port))).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: `127.0.0.1:${port}: cannot be reached (ECONNREFUSED)\n`,
    });
    // It keeps the connection, as a statsd's console does.
    const kept = new Set<Socket>();
    const other = createServer((socket) => {
      kept.add(socket);
      socket.on("error", () => {});
      socket.on("data", () => socket.write("unknown command\n"));
    });
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    onTestFinished(() => {
      for (const socket of kept) socket.destroy();
      other.close();
    });
    expect(await top(`127.0.0.1:${port}`)).toMatchObject({
      exitCode: 1,
      stderr: `127.0.0.1:${port}: not the console of a statsd-proxy, or of one that is too old\n`,
    });
    for (const args of [["x"], ["0"], ["a:b"], ["70000"], ["-i", "0"], ["-n", "x"]]) {
      const { exitCode, stdout, stderr } = await top(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
      expect(stderr).toStartWith("error: ");
    }
  });
});

describe("at a terminal", () => {
  /** A terminal, and what came to it; ␛ stands for the escape character. */
  class Screen {
    output = "";
    readonly exited: Promise<number>;
    readonly terminal: Bun.Terminal;

    constructor(command: string[], cwd: string, [cols, rows]: [number, number] = [100, 24]) {
      const terminal = { cols, rows, data: (_: unknown, bytes: Uint8Array) => this.take(bytes) };
      const child = Bun.spawn(command, { cwd, terminal });
      this.terminal = child.terminal as Bun.Terminal;
      this.exited = child.exited;
      onTestFinished(() => {
        child.kill("SIGKILL");
        this.terminal.close();
      });
    }

    /** The last drawing that is whole, by line. */
    get lines(): string[] {
      const drawings = this.output.split("␛[H");
      return (drawings.at(-2) ?? "").split(/\r*\n/);
    }

    private take(bytes: Uint8Array): void {
      this.output += Buffer.from(bytes).toString("latin1").replaceAll("\x1b", "␛");
    }
  }

  async function openTop(size?: [number, number]) {
    const { proxy, folder, label } = await proxyInFolder();
    const screen = new Screen([await binary(), "top", String(proxy.consolePort), "-i", "0.02"], folder, size);
    await until("two drawings", () => screen.output.split("␛[H").length > 2);
    return { proxy, screen, label };
  }

  test.each(["q", "\x03"])(
    "draws over and over, and ends with the key %j, leaving the terminal as it was",
    async (key) => {
      const { proxy, screen, label } = await openTop();
      expect(screen.output).toStartWith("␛[?1049h␛[?25l");
      expect(screen.lines[0]).toMatch(/^statsd-proxy .*nodes: 1 of 1 up␛\[K$/);
      await send(proxy, ["bad"]);
      await until("the loss, in red", () => /␛\[31mlines rejected +[\d.]+ +1␛\[0m/.test(screen.output));
      expect(screen.lines.some((line) => line.startsWith(`${label}  up `))).toBe(true);
      screen.terminal.write(key);
      expect(await screen.exited).toBe(0);
      await until("the terminal as it was", () => screen.output.endsWith("␛[?25h␛[?1049l"));
    },
  );

  test("draws for an ordinary terminal if this one does not know its size", async () => {
    const { screen } = await openTop([0, 0]);
    expect(screen.lines[0]).toStartWith("statsd-proxy ");
    expect(screen.lines.length).toBeGreaterThan(10);
  });

  test("keeps to the size of the terminal, whatever it becomes", async () => {
    const { screen } = await openTop();
    screen.terminal.resize(20, 5);
    await until("a small drawing", () => screen.lines.length === 5);
    for (const line of screen.lines) expect(line.replace(/␛\[[\d?]*[A-Za-z]/g, "").length).toBeLessThanOrEqual(20);
    screen.terminal.resize(120, 40);
    await until("a large drawing", () => screen.lines.some((line) => line.includes("checks failed")));
    screen.terminal.write("q");
    expect(await screen.exited).toBe(0);
  });
});
