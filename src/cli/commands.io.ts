/** The commands besides running a proxy: their words. What a command does is loaded when it is the one that was given. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { DEFAULT_FILE, STANDARD_INPUT } from "../config/fileName.ts";
import { type Address, addressOf, consoleOf, DEFAULT_ADDRESS } from "./address.ts";
import { collectDown } from "./down.ts";
import { fileNamed } from "./fileOption.ts";
import { newCommand } from "./help.io.ts";

export const healthcheckCommand = newCommand("healthcheck")
  .description("Asks a running proxy for its health. Exits 0 if the answer is `health: up`, 1 otherwise.")
  .argument("[address]", "address of the console, HOST:PORT or PORT (default: as in the configuration file)", addressOf)
  .option(
    "-f, --file <file>",
    `the proxy's configuration file, if no address is given (default: ${DEFAULT_FILE})`,
    fileNamed,
  )
  .option("--alive", "accept any answer, even `health: down`")
  .action(async (given, { file, alive }, command) => {
    const { passes } = await import("./healthcheck.io.ts");
    // `-f` before the command means the same.
    const address = given ?? (await consoleIn(file ?? (command.parent?.getOptionValue("file") as string | undefined)));
    process.exit(address !== undefined && (await passes(address, alive === true)) ? 0 : 1);
  });

export const routeCommand = newCommand("route")
  .description(
    "Prints the node that owns each name, as NAME, a tab, NODE. Reads names from standard input if none are given.",
  )
  .argument("[name...]", "metric names, or whole lines")
  .option("-f, --file <file>", `configuration file, JSON5 (default: ${DEFAULT_FILE})`, fileNamed)
  .option("--json", 'print a JSON object for each name instead: {"name":"NAME","node":"NODE"}')
  .option("--down <node>", "treat this node as down; can be repeated", collectDown)
  .action(async (names, _, command) => {
    const { file, json, down = [] } = command.optsWithGlobals();
    if (file === STANDARD_INPUT && names.length === 0) {
      command.error("error: the configuration takes standard input: give the names as arguments");
    }
    const { route } = await import("./route.io.ts");
    if (!(await route(names, { file, isJson: json === true, down }))) process.exitCode = 1;
  });

export const topCommand = newCommand("top")
  .description("Shows the rates, losses and nodes of a running proxy, live, as its console reports them.")
  .argument(
    "[address]",
    `address of the console, HOST:PORT or PORT (default: ${DEFAULT_ADDRESS.host}:${DEFAULT_ADDRESS.port})`,
    addressOf,
  )
  .option("-f, --file <file>", "take the console's address from the proxy's configuration file", fileNamed)
  .option("-i, --interval <seconds>", "time between frames", positive, 1)
  .option("-n, --count <frames>", "stop after this many frames", wholeNumber)
  .option(
    "--plain",
    "print plain text, without terminal control sequences (the default if standard output is not a terminal)",
  )
  .action(async (given, _, command) => {
    const { file, interval, count = Number.POSITIVE_INFINITY, plain } = command.optsWithGlobals();
    const { top } = await import("./top.io.ts");
    const address = given ?? (file === undefined ? DEFAULT_ADDRESS : await consoleIn(file));
    if (address === undefined) process.exitCode = 1;
    else await top(address, { intervalMs: 1000 * interval, count, plain: plain === true || !process.stdout.isTTY });
  });

/** What a file says need not be in force any more; and if it is broken, nothing can be asked at all. */
async function consoleIn(file: string | undefined): Promise<Address | undefined> {
  const { configFrom } = await import("../config/file.io.ts");
  const config = configFrom(file);
  return config && consoleOf(config);
}

/** @throws InvalidArgumentError */
function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0 && value <= 86_400))
    throw new InvalidArgumentError("Expected a number above 0, at most 86400.");
  return value;
}

/** @throws InvalidArgumentError */
function wholeNumber(text: string): number {
  const value = Number(text);
  if (!(/^\d+$/.test(text) && value > 0 && value <= 86_400))
    throw new InvalidArgumentError("Expected a whole number from 1 to 86400.");
  return value;
}
