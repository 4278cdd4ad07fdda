/** A child process that answers each line it receives with a line of JSON. */
import type { Subprocess } from "bun";
import { Failure, within } from "./failure.ts";
import { end, remember } from "./processes.ts";

export class Partner {
  private readonly name: string;
  private readonly child: Subprocess<"pipe", "pipe", "inherit">;
  private readonly lines: AsyncGenerator<string>;

  constructor(name: string, command: string[]) {
    this.name = name;
    this.child = remember(Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" }));
    this.lines = linesOf(this.child.stdout);
  }

  /** The next answer. @throws Failure if none comes */
  async answer<Answer>(timeoutMs: number): Promise<Answer> {
    const { done, value } = await within(timeoutMs, `an answer of the ${this.name}`, this.lines.next());
    if (done) throw new Failure(`the ${this.name} ended`);
    return JSON.parse(value) as Answer;
  }

  async ask<Answer>(line: string, timeoutMs: number): Promise<Answer> {
    try {
      this.child.stdin.write(`${line}\n`);
      await this.child.stdin.flush();
    } catch {
      throw new Failure(`the ${this.name} ended`);
    }
    return await this.answer(timeoutMs);
  }

  async end(): Promise<void> {
    await end(this.child);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
