import { InvalidArgumentError } from "@commander-js/extra-typings";
import { STANDARD_INPUT } from "../config/fileName.ts";

/** What is read for the value of `-f`: `-` is standard input. @throws InvalidArgumentError */
export function fileNamed(name: string): string {
  // What is left of `-f=cfg.json`. A file of such a name is `./=cfg.json`.
  if (name.startsWith("=")) throw new InvalidArgumentError("A short option takes no =.");
  return name === "-" ? STANDARD_INPUT : name;
}
