/** `statsd-proxy help`, how every command prints its help, and what is said of words that are no commands. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { suggestion } from "../text/nearest.ts";

/** Commander gives a command that is added none of the program's own settings. */
export function newCommand(name: string): Command {
  return (
    new Command(name)
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
  const [option] = word.split("=", 1);
  const known = [...program.options.flatMap(({ long }) => long ?? []), "--help"];
  if (word !== option && known.includes(option)) return `option ${option} takes no value`;
  return `unknown option ${option}${suggestion(option, known)}`;
}

function unknownCommand(word: string, { commands, options }: CommandUnknownOpts): string {
  if (options.some(({ long }) => long === `--${word}`)) return `unknown command ${word} (did you mean --${word}?)`;
  const known = commands.map((command) => command.name());
  return `unknown command ${word}${suggestion(word, known)}`;
}
