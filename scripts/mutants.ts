/** Breaks the code in many small ways, one at a time, and names every change that no test notices. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { fileURLToPath } from "bun";
import { MUTANTS } from "./mutants/list.ts";
import { type Mutant, mutated } from "./mutants/mutant.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** In the root folder: too large, or of no use to a test. */
const NOT_COPIED: readonly string[] = ["node_modules", "dist", ".git"];
/** For the tests of one mutant. A mutant that makes them hang is killed, too. */
const TIMEOUT_MS = 60_000;
/** For one test: on a busy machine some take longer than Bun's five seconds, and would kill any mutant. */
const TEST_TIMEOUT_MS = 20_000;

const EXPLANATION = `
Each mutant is applied to a copy of the tree, and then the tests that its entry names are run. It is "killed" by the
first test that fails, or it "SURVIVED": then a test is missing. First all these tests are run without any mutant,
because a test that fails anyway proves nothing.

The mutants are in scripts/mutants/, one file for each part of the program.

Examples:
  bun run mutants
  bun run mutants log-window fairShare
  bun run mutants src/net`;

const command = new Command("mutants")
  .description("Breaks the code in many small ways, one at a time, and names every change that no test notices.")
  .argument("[words...]", "only mutants with one of these words in their name or path")
  .option("--list", "list the mutants, and run none")
  .addHelpText("after", EXPLANATION);

if (import.meta.main) await main();

async function main(): Promise<void> {
  command.parse();
  const mutants = chosen(command.args);
  if (mutants.length === 0) command.error(`no mutant is called ${command.args.join(" or ")}`);
  if (command.opts().list) {
    for (const { name, file } of mutants) console.log(`${padded(name)}  ${file}`);
    return;
  }
  const folder = copyOfTree();
  try {
    process.exitCode = (await runAll(mutants, folder)) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chosen(words: readonly string[]): Mutant[] {
  return MUTANTS.filter(({ name, file }) => {
    return words.length === 0 || words.some((word) => name.includes(word) || file.includes(word));
  });
}

function copyOfTree(): string {
  const folder = mkdtempSync(join(tmpdir(), "mutants-"));
  for (const entry of readdirSync(ROOT)) {
    if (!NOT_COPIED.includes(entry)) cpSync(join(ROOT, entry), join(folder, entry), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** True: none survived. */
async function runAll(mutants: readonly Mutant[], folder: string): Promise<boolean> {
  for (const file of new Set(mutants.flatMap(({ tests }) => tests))) {
    // Twice, because on a busy machine a test may be too slow once.
    const failure = (await firstFailure([file], folder)) && (await firstFailure([file], folder));
    if (failure === undefined) continue;
    console.error(`${file} fails without a mutant: ${failure}`);
    return false;
  }
  const survivors: string[] = [];
  for (const mutant of mutants) {
    const killer = await killerOf(mutant, folder);
    console.log(`${padded(mutant.name)}  ${killer === undefined ? "SURVIVED" : `killed: ${killer}`}`);
    if (killer === undefined) survivors.push(mutant.name);
  }
  console.log(`${mutants.length - survivors.length} of ${mutants.length} killed`);
  if (survivors.length > 0) console.log(`survived: ${survivors.join(", ")}`);
  return survivors.length === 0;
}

async function killerOf(mutant: Mutant, folder: string): Promise<string | undefined> {
  const path = join(folder, mutant.file);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, mutated(mutant, text));
  try {
    return await firstFailure(mutant.tests, folder);
  } finally {
    writeFileSync(path, text);
  }
}

/** The first test that fails, if any. */
async function firstFailure(tests: readonly string[], folder: string): Promise<string | undefined> {
  const files = tests.map((file) => `./test/${file}`);
  const run = Bun.spawn([process.execPath, "test", "--bail", `--timeout=${TEST_TIMEOUT_MS}`, ...files], {
    ...{ cwd: folder, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    ...{ timeout: TIMEOUT_MS, killSignal: "SIGKILL" },
  });
  const said = await run.stderr.text();
  if ((await run.exited) === 0) return undefined;
  if (run.signalCode === "SIGKILL") return `not done within ${TIMEOUT_MS / 1000} s`;
  return said.match(/^\(fail\) (.*?)(?: \[[\d.]+ms\])?$/m)?.[1] ?? said.match(/^error: .*$/m)?.[0] ?? "it does not run";
}

function padded(name: string): string {
  return name.padEnd(Math.max(...MUTANTS.map(({ name }) => name.length)));
}
