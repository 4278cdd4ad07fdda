/** Recognizes files that are no configuration of this proxy's by how they begin. */

/** Characters that are looked at. */
const BEGINNING_CHARS = 4096;

/** Neither text in UTF-8 nor in an 8-bit encoding has them, unless it is damaged. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY = /[\0-\x08\x0e-\x1f]/;
/** Comments of YAML, TOML and INI files. */
const COMMENTS = /^(?:\s*(?:[#;].*)?(?:\r?\n|$))*/;

const FORMS: readonly (readonly [form: string, RegExp])[] = [
  ["YAML", /^(?:---(?:\s|$)|%YAML|[\w-]+:(?:\s|$))/],
  // What begins an object after the = is a program.
  ["TOML or INI", /^(?:\[[^\]\n]*\]\s*$|[\w.-]+\s*=(?!\s*[{(]))/],
  ["XML", /^<[?!a-z]/i],
];

export function isBinary(text: string): boolean {
  const beginning = text.slice(0, BEGINNING_CHARS);
  return beginning.includes("\0") || (BINARY.test(beginning) && !/^\ufeff?\s*[{/]/.test(beginning));
}

/** The form of another tool's file; undefined: none that is known. */
export function otherForm(text: string): string | undefined {
  const beginning = text.slice(0, BEGINNING_CHARS).replace("\ufeff", "").replace(COMMENTS, "");
  const [firstLine] = beginning.split("\n", 1);
  return FORMS.find(([, pattern]) => pattern.test(firstLine))?.[0];
}
