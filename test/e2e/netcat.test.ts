/** The console as people use it, with both of the programs that are called `nc`. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Backend, linesArrived } from "../support/backend.ts";
import { endOfFile } from "../support/cleanUp.ts";
import { stats } from "../support/client.ts";
import { type RunningProxy, run, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

const STATS = /^time running in seconds: \d+\npackets_received: \d+\.000000\n(\S+: \d+\.\d{6}\n)+$/;
const MEMSTATS = /^bytes allocated and in use: \d+\nbytes obtained from system: \d+\n(.+: \d+\n)+$/;
const HELP =
  /^Commands: ping, stats, memstats, config, reload, nodes, node, route, tap, names, health, status, version, help, quit\n/;
const CONFIG = /^\{\n(.*\n)+\}\n$/;
const NODES = /^node .*\n127\.0\.0\.1:\d+ +up .*\n$/;
const STATUS = /^uptime: \d+\nnodes: 127\.0\.0\.1:\d+\nverdict: [^\n]+\ndelay: [^\n]+\n$/;

/** By what is typed in front of `| nc -w1 127.0.0.1 8126`: what is printed. */
const ANSWERS: Record<string, string | RegExp> = {
  // As in the README of go-statsd-proxy.
  'echo "ping"': "pong\n",
  'echo -n "stats"': STATS,
  'echo "memstats"': MEMSTATS,
  // Every command, without a line end too.
  "echo stats": STATS,
  "echo help": HELP,
  "echo config": CONFIG,
  "echo status": STATUS,
  "echo stats json": /^\{"uptime_seconds":.*\}\n$/,
  "echo version": /^\d+\.\d+\.\d+\n$/,
  "echo nodes": NODES,
  "echo route web.requests 'caf\u00e9'":
    /^name +owner +owner_when_all_up\nweb\.requests {2}.*:\d+\ncaf\\xc3\\xa9 .*:\d+\n$/,
  "echo route": "usage: route NAME...\n",
  "(echo tap; echo)": /^# up to 100 lines in 60 s; an empty line stops it\n# \d+ shown.*\n$/,
  "echo health": /^health: (up|down)\n$/,
  "echo quit": "",
  echo: "",
  "printf ping": "pong\n",
  "printf memstats": MEMSTATS,
  "printf 'stats json'": /^\{"uptime_seconds":.*\}\n$/,
  "printf version": /^\d+\.\d+\.\d+\n$/,
  "printf nodes": NODES,
  "printf 'route a'": /^name.*\na .*\n$/,
  "printf help": HELP,
  "printf config": CONFIG,
  "printf status": STATUS,
  "printf quit": "",
  // Line ends and spaces.
  "printf 'ping\\r\\n'": "pong\n",
  "printf 'stats\\r\\n'": STATS,
  "printf '  ping  \\n'": "pong\n",
  "printf '\\tping \\r\\n'": "pong\n",
  "printf '\\n\\n\\r\\nping\\n'": "pong\n",
  "echo PING": "pong\n",
  // Several commands on one connection, in one packet and in several.
  "printf 'ping\\nping\\nping\\n'": "pong\npong\npong\n",
  "printf 'ping\\nhealth\\nping'": /^pong\nhealth: (up|down)\npong\n$/,
  "printf 'ping\\nquit\\nping\\n'": "pong\n",
  "(echo ping; sleep 0.3; echo ping)": "pong\npong\n",
  // One command in several packets.
  "(printf pi; sleep 0.3; printf 'ng\\n')": "pong\n",
  "(printf s; sleep 0.2; printf tat; sleep 0.2; echo us)": STATUS,
  "(printf 'stats j'; sleep 0.2; printf 'son\\n')": /^\{/,
  "(printf 'route \"page '; sleep 0.2; printf 'views\"\\n')": /^name.*\npage views .*\n$/,
  // What is no command.
  "echo good morning": "unknown command\n",
  "printf hallo": "unknown command\n",
  "echo relaod": "unknown command (did you mean reload?)\n",
  "echo ping pong": "usage: ping\n",
  "echo health maybe": "usage: health [up|down]\n",
  "echo health up down": "usage: health [up|down]\n",
  "echo toString": "unknown command\n",
  "echo __proto__": "unknown command\n",
  "printf '%%s%%n\\n'": "unknown command\n",
  "printf '\\000\\377\\n'": "unknown command\n",
  "printf 'hallo\\nping\\n'": "unknown command\npong\n",
  "printf 'POST / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nping\\r\\n'": "",
};

const atEnd = endOfFile();

describe.each(["nc.openbsd", "nc.traditional"])("%s", (program) => {
  const missing = Bun.which(program) === null;
  const because = missing ? ` (skipped: there is no ${program} here)` : "";
  let proxy: RunningProxy;

  beforeAll(async () => {
    const backend = await Backend.open({ atEnd });
    proxy = await startProxy({ nodes: [backend.node] }, { atEnd });
  });

  /** What is printed by `<typed> | nc -w1 127.0.0.1 <console>`. */
  async function answerTo(typed: string): Promise<string> {
    const { stdout } = await run(["bash", "-c", `${typed} | ${program} -w1 127.0.0.1 ${proxy.consolePort}`], "/");
    return stdout;
  }

  // nc gives up after a second without a byte, which is little for a machine that builds binaries at the same time.
  test.concurrent.skipIf(missing).each(Object.keys(ANSWERS))(
    `%s${because}`,
    async (typed) => {
      const answer = await answerTo(typed);
      const expected = ANSWERS[typed];
      if (typeof expected === "string") expect(answer).toBe(expected);
      else expect(answer).toMatch(expected);
    },
    { retry: 3 },
  );

  test.skipIf(missing)(`health is set and stays set, until it is set again${because}`, async () => {
    expect(await answerTo("printf 'health DOWN\\nquit\\n'")).toBe("health: down\n");
    expect(await answerTo("printf 'health\\nquit\\n'")).toBe("health: down\n");
    expect(await answerTo("printf 'health up\\nquit\\n'")).toBe("health: up\n");
    expect(await answerTo("printf 'health\\nquit\\n'")).toBe("health: up\n");
  });

  test.skipIf(missing)(`a metric sent by nc -u arrives${because}`, async () => {
    const backend = await Backend.open();
    const relaying = await startProxy({ nodes: [backend.node] });
    const metric = "test:1|c|#from:me,to:proxy";
    await run(["bash", "-c", `printf '${metric}' | ${program} -u -w1 127.0.0.1 ${relaying.port}`], "/");
    expect(await linesArrived([backend], 1)).toEqual([metric]);
    await until("counted", async () => (await stats(relaying)).packets_received === 1);
  });

  test.skipIf(missing)(`a client that ends its half of the connection gets its answer${because}`, async () => {
    const ends = program === "nc.openbsd" ? "-N" : "-q1";
    const { stdout } = await run(["bash", "-c", `echo stats | ${program} ${ends} 127.0.0.1 ${proxy.consolePort}`], "/");
    expect(stdout).toMatch(STATS);
  });
});
