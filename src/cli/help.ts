/** `statsd-proxy help`, and what is said of words that are no commands. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { suggestion } from "../text/nearest.ts";

export const helpCommand = new Command("help")
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
  const known = program.options.flatMap(({ long }) => long ?? []);
  return `unknown option ${option}${suggestion(option, [...known, "--help"])}`;
}

function unknownCommand(word: string, { commands, options }: CommandUnknownOpts): string {
  if (options.some(({ long }) => long === `--${word}`)) return `unknown command ${word} (did you mean --${word}?)`;
  const known = commands.map((command) => command.name());
  return `unknown command ${word}${suggestion(word, known)}`;
}
