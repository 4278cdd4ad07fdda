/** `statsd-proxy help`, how every command prints its help, and what is said of words that are no commands. */
import { Command, type CommandUnknownOpts, type Option } from "@commander-js/extra-typings";
import { suggestion } from "../text/nearest.ts";

/** Of a program, wrong options are told of with its wrong words: see `strayWord`. */
class OurCommand extends Command {
  /** Commander calls this. */
  unknownOption(word: string): void {
    if (this.parent !== null) this.error(`error: ${unknownOption(word, this)}`);
  }
}

/** Commander gives a command that is added none of the program's own settings. */
export function newCommand(name: string): Command {
  return (
    new OurCommand(name)
      // process.stdout would load all of node:stream and node:net: 3 ms of CPU; and it throws when nobody reads (Bun 1.4.5).
      .configureOutput({ writeOut: (text) => console.log(text.trimEnd()) })
      .showHelpAfterError("(see --help)")
  );
}

export const helpCommand = newCommand("help")
  .description("display help for command")
  .argument("[command]")
  .action((name, _, { parent }: CommandUnknownOpts) => {
    if (parent === null) return;
    const command = name === undefined ? parent : parent.commands.find((known) => known.name() === name);
    if (command === undefined) parent.error(`error: ${unknownCommand(name as string, parent)}`);
    else command.outputHelp();
  });

/** What is wrong with words that are neither a command nor its options; undefined: there are none. */
export function strayWord(program: CommandUnknownOpts): string | undefined {
  const [word] = program.args;
  if (word === undefined) return undefined;
  if (!word.startsWith("-")) return unknownCommand(word, program);
  return unknownOption(word, program);
}

/** A command would ignore the program's options, but for those that it has, too. Who asks for help gets it. */
export function refuseStrayOptions(program: CommandUnknownOpts, command: CommandUnknownOpts): void {
  const end = process.argv.indexOf("--");
  const words = end === -1 ? process.argv : process.argv.slice(0, end);
  if (command.name() === "help" || words.includes("-h") || words.includes("--help")) return;
  const isGiven = (option: Option) => program.getOptionValueSource(option.attributeName()) === "cli";
  const known = new Set(command.options.map(({ long }) => long));
  const stray = program.options.find((option) => isGiven(option) && !known.has(option.long));
  if (stray !== undefined) program.error(`error: option ${stray.long} does not go with ${command.name()}`);
}

function unknownOption(word: string, { options }: CommandUnknownOpts): string {
  // What is left of `-d=1`.
  if (word.startsWith("-=")) return `${word.slice(1)}: a short option takes no =`;
  const [option] = word.split("=", 1);
  const known = [...options.flatMap(({ long }) => long ?? []), "--help"];
  if (word !== option && known.includes(option)) return `option ${option} takes no value`;
  return `unknown option ${option}${suggestion(option, known)}`;
}

function unknownCommand(word: string, { commands, options }: CommandUnknownOpts): string {
  if (options.some(({ long }) => long === `--${word}`)) return `unknown command ${word} (did you mean --${word}?)`;
  const known = commands.map((command) => command.name());
  return `unknown command ${word}${suggestion(word, known)}`;
}
