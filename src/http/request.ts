/**
 * HTTP requests as bytes: as much of HTTP/1.1 as a server needs that answers GET and HEAD. Bytes are characters
 * (latin1), read from the front as far as they are there, so what comes of them does not depend on how they came.
 *
 *     GET /metrics?x=1 HTTP/1.1\r\n
 *     Host: proxy:9125\r\n
 *     Connection: close\r\n
 *     \r\n
 *
 * Whatever is no such thing is refused, and the connection ends: a request that was misread must not be followed by
 * another.
 */

/** Of a request line and headers, with their line ends. */
export const HEAD_BYTES_MAX = 8192;

export interface HttpRequest {
  readonly method: string;
  /** Path and query are what counts; the host is nobody's, or the one of a whole URL. */
  readonly url: URL;
  /** Another request may follow on the connection. */
  readonly keepAlive: boolean;
  /** HTTP/1.0: it is told that another may, and knows no chunks. */
  readonly isOld: boolean;
  /** Of the request, from the front. */
  readonly bytes: number;
}

/** Undefined: it is not complete. A number: it is none, and that is the status to say so with. */
export function parseRequest(text: string): HttpRequest | 400 | 431 | undefined {
  // Empty lines before a request are skipped, as RFC 9112 (2.2) wants.
  let at = 0;
  while (text.startsWith("\n", at) || text.startsWith("\r\n", at)) at += text[at] === "\n" ? 1 : 2;
  let start: StartLine | undefined;
  const headers = new Headers();
  for (;;) {
    const lf = text.indexOf("\n", at);
    if ((lf === -1 ? text.length : lf + 1) > HEAD_BYTES_MAX) return 431;
    if (lf === -1) return undefined;
    const line = text.slice(at, text[lf - 1] === "\r" && lf > at ? lf - 1 : lf);
    at = lf + 1;
    if (start === undefined) {
      start = startLineOf(line);
      if (start === undefined) return 400;
    } else if (line === "") {
      return requestOf(start, headers, at);
    } else if (!headers.add(line)) {
      return 400;
    }
  }
}

interface StartLine {
  readonly method: string;
  readonly url: URL;
  readonly minor: number;
}

// Visible characters only, but bytes of UTF-8 as well: some clients do not encode what their user typed.
const START_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~\x80-\xff]+) HTTP\/1\.([01])$/;

function startLineOf(line: string): StartLine | undefined {
  const found = START_LINE.exec(line);
  if (found === null) return undefined;
  const [, method, target, minor] = found;
  const decoded = Buffer.from(target, "latin1").toString("utf8");
  if (!decoded.startsWith("/") && !/^https?:\/\//i.test(decoded)) return undefined;
  const url = URL.parse(decoded.startsWith("/") ? `http://localhost${decoded}` : decoded);
  return url === null ? undefined : { method, url, minor: Number(minor) };
}

// No white space before the colon, and none in front: that would be a line folded as of old. No controls in the value.
// The blanks around a value are cut off behind it: a pattern that does so goes back over them, 100 ms for 8,000.
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)$/;

/** Of the headers only those that change how the request is read. */
class Headers {
  readonly hosts: string[] = [];
  readonly connection: string[] = [];
  /** Bytes of a body, as they are said. */
  readonly lengths: string[] = [];
  hasTransferEncoding = false;

  /** False: it is no header. */
  add(line: string): boolean {
    const found = FIELD.exec(line);
    if (found === null) return false;
    const [, name, padded] = found;
    const value = withoutBlanks(padded);
    switch (name.toLowerCase()) {
      case "host":
        this.hosts.push(value);
        break;
      case "connection":
        this.connection.push(...value.split(",").map((word) => word.trim().toLowerCase()));
        break;
      case "content-length":
        this.lengths.push(value);
        break;
      case "transfer-encoding":
        this.hasTransferEncoding = true;
    }
    return true;
  }
}

/** Without the blanks and tabs around it. Not `trim`, which takes more bytes for white space than HTTP does. */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t";
}

function requestOf({ method, url, minor }: StartLine, headers: Headers, bytes: number): HttpRequest | 400 {
  const { hosts, connection, lengths, hasTransferEncoding } = headers;
  if (hosts.length > 1 || (hosts.length === 0 && minor === 1) || !hosts.every(isHost)) return 400;
  if (!lengths.every((length) => /^\d{1,15}$/.test(length) && length === lengths[0])) return 400;
  // A body is not read: what is behind this request is not the next one.
  const hasBody = hasTransferEncoding || Number(lengths[0] ?? 0) > 0;
  const wanted = minor === 1 ? !connection.includes("close") : connection.includes("keep-alive");
  const keepAlive = wanted && !hasBody;
  return { method, url, keepAlive, isOld: minor === 0, bytes };
}

/** Nobody asks what name it is, only whether it can be one: without white space, and with a port if with a colon. */
function isHost(host: string): boolean {
  const port = /^(?:\[[^\s\]]*\]|[^\s:]*)(?::(\d{0,5}))?$/.exec(host);
  return port !== null && Number(port[1] ?? 0) <= 0xffff;
}
