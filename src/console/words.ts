/**
 * The words of a console line. The bytes of a name must reach the ring unchanged, so a line has one character per byte
 * (latin1), and only ASCII white space separates words: the UTF-8 of "à" ends in 0xa0, which Unicode considers a space.
 *
 *     route web.requests "page views" "caf\xc3\xa9"
 *
 * A word in double quotes may contain spaces and the escapes that text/escape.ts prints: `\\`, `\n`, `\r`, `\t`,
 * `\xNN`; also `\"`.
 */

const SPACES = /[\t-\r ]*/y;
const BARE_WORD = /[^\t-\r "][^\t-\r ]*/y;
const QUOTED_WORD = /"((?:[^"\\]|\\[\s\S])*)"(?=[\t-\r ]|$)/y;

/** Undefined: a quote is not closed. */
export function wordsOf(line: string): string[] | undefined {
  const words: string[] = [];
  let at = skip(SPACES, line, 0);
  while (at < line.length) {
    const pattern = line[at] === '"' ? QUOTED_WORD : BARE_WORD;
    pattern.lastIndex = at;
    const found = pattern.exec(line);
    if (found === null) return undefined;
    words.push(found[1] === undefined ? found[0] : unescaped(found[1]));
    at = skip(SPACES, line, pattern.lastIndex);
  }
  return words;
}

/** Whether bytes, one character each, end in the middle of a UTF-8 sequence. */
export function endsWithinCharacter(text: string): boolean {
  return /[\xc2-\xf4]$|[\xe0-\xf4][\x80-\xbf]$|[\xf0-\xf4][\x80-\xbf]{2}$/.test(text);
}

function skip(pattern: RegExp, line: string, at: number): number {
  pattern.lastIndex = at;
  pattern.exec(line);
  return pattern.lastIndex;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|([\s\S]))/g, (_, hex: string | undefined, character: string) =>
    hex === undefined ? (ESCAPES[character] ?? character) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
