/** A relay under measurement, as a process. */
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { Failure } from "./failure.ts";
import { end, remember } from "./processes.ts";

export interface RelayCommand {
  /** Name in the table. */
  readonly name: string;
  /** Program and arguments; `{config}` stands for the path of the configuration. */
  readonly words: readonly string[];
}

/** Our own. @throws Failure if the file does not exist */
export function ourRelay(binary: string): RelayCommand {
  if (!existsSync(binary)) throw new Failure(`there is no ${binary}: run "bun run build"`);
  return { name: "statsd-proxy", words: [binary, "-f", "{config}"] };
}

/** Another one, from text such as `node "my relay.js" {config}`. @throws Failure if there is no such program */
export function otherRelay(command: string, number: number): RelayCommand {
  const words = (command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) => word.replaceAll(/["']/g, ""));
  if (words.length === 0 || Bun.which(words[0]) === null) throw new Failure(`--vs: there is no program ${words[0]}`);
  return { name: `vs ${number}`, words };
}

export class RelayProcess {
  readonly pid: number;
  private readonly name: string;
  private readonly child: Subprocess;
  private readonly log: string;

  /** @param folder for its output, which goes to a file: a pipe would have to be read */
  constructor({ name, words }: RelayCommand, prefix: readonly string[], configFile: string, folder: string) {
    this.name = name;
    this.log = join(folder, "relay.log");
    const output = openSync(this.log, "w");
    const command = [...prefix, ...words.map((word) => word.replaceAll("{config}", configFile))];
    this.child = remember(Bun.spawn(command, { stdin: "ignore", stdout: output, stderr: output }));
    closeSync(output);
    this.pid = this.child.pid;
  }

  /** @throws Failure if it is no longer running */
  mustLive(): void {
    const { exitCode, signalCode } = this.child;
    if (exitCode !== null) throw this.failure(`ended with exit code ${exitCode}`);
    if (signalCode !== null) throw this.failure(`was ended by ${signalCode}`);
  }

  /** What is wrong with it, and its last output. */
  failure(what: string): Failure {
    const last = readFileSync(this.log, "utf8").trimEnd().split("\n").at(-1);
    return new Failure(`${this.name} ${what}${last ? `; its last output: ${last.slice(0, 300)}` : ""}`);
  }

  async end(): Promise<void> {
    await end(this.child);
  }
}
