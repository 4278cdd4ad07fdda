/**
 * Parses HTTP requests: as much of HTTP/1.1 as a server needs that answers GET and HEAD. One character per byte
 * (latin1), parsed from the start, so the result does not depend on how the bytes were split.
 *
 *     GET /metrics?x=1 HTTP/1.1\r\n
 *     Host: proxy:9125\r\n
 *     Connection: close\r\n
 *     \r\n
 *
 * Anything else is refused and the connection closed: after a misread request, nothing else can be trusted.
 */

/** Limit for the request line and headers, including line ends. */
export const HEAD_BYTES_MAX = 8192;

export interface HttpRequest {
  readonly method: string;
  /** Only path and query matter; the host is a placeholder, or that of an absolute URL. */
  readonly url: URL;
  /** Another request may follow on the connection. */
  readonly keepAlive: boolean;
  /** HTTP/1.0: needs an explicit keep-alive, and does not know chunks. */
  readonly isOld: boolean;
  /** Length of the request. */
  readonly bytes: number;
}

/** Undefined: incomplete. A number: invalid, and the status to answer with. */
export function parseRequest(text: string): HttpRequest | 400 | 431 | undefined {
  // Empty lines before a request are skipped, as RFC 9112 (2.2) requires.
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

// Visible characters only, but also UTF-8 bytes: some clients do not encode what their user typed.
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

// No white space before the colon or at the start: that would be obsolete line folding. No control characters in the
// value. Blanks around the value are removed later: a pattern that does it backtracks over them, 100 ms for 8,000.
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)$/;

/** Keeps only the headers that affect how the request is read. */
class Headers {
  readonly hosts: string[] = [];
  readonly connection: string[] = [];
  /** Values of Content-Length. */
  readonly lengths: string[] = [];
  hasTransferEncoding = false;

  /** False: not a header. */
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

/** Removes surrounding blanks and tabs. Unlike `trim`, which considers more bytes to be white space than HTTP does. */
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
  // A body is not read, so what follows this request is not the next one.
  const hasBody = hasTransferEncoding || Number(lengths[0] ?? 0) > 0;
  const wanted = minor === 1 ? !connection.includes("close") : connection.includes("keep-alive");
  const keepAlive = wanted && !hasBody;
  return { method, url, keepAlive, isOld: minor === 0, bytes };
}

/** The host name itself is irrelevant; it only has to be a possible one: no white space, and a port after a colon. */
function isHost(host: string): boolean {
  const port = /^(?:\[[^\s\]]*\]|[^\s:]*)(?::(\d{0,5}))?$/.exec(host);
  return port !== null && Number(port[1] ?? 0) <= 0xffff;
}
