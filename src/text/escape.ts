/** Bytes and text from elsewhere, made safe to print. */

const SHOWN_MAX = 512;

/** Printable ASCII unchanged; a backslash doubled; everything else as `\n`, `\r`, `\t` or `\xNN`; cut at 512 bytes. */
export function escapeBytes(bytes: Uint8Array): string {
  let shown = "";
  const end = Math.min(bytes.length, SHOWN_MAX);
  for (let at = 0; at < end; at++) shown += ESCAPED[bytes[at]];
  return bytes.length > SHOWN_MAX ? `${shown}... (${bytes.length} bytes)` : shown;
}

const ESCAPED: readonly string[] = Array.from({ length: 256 }, (_, byte) => escapeByte(byte));

function escapeByte(byte: number): string {
  switch (byte) {
    case 0x0a:
      return "\\n";
    case 0x0d:
      return "\\r";
    case 0x09:
      return "\\t";
    case 0x5c:
      return "\\\\";
    default:
      return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
}

/** Characters that a terminal or a reader of lines could misinterpret, as `\uXXXX`; everything else unchanged. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
