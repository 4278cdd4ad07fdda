import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HEAD_BYTES_MAX, type HttpRequest, parseRequest } from "../../src/http/request.ts";

const HOST = "Host: proxy:9125\r\n";

describe("a request", () => {
  test.each<[string, Partial<HttpRequest> & { path?: string }]>([
    [`GET / HTTP/1.1\r\n${HOST}\r\n`, { method: "GET", path: "/", keepAlive: true, isOld: false }],
    [`HEAD /metrics?a=1&b=%20 HTTP/1.1\r\n${HOST}\r\n`, { method: "HEAD", path: "/metrics?a=1&b=%20" }],
    ["GET /healthz HTTP/1.0\r\n\r\n", { path: "/healthz", keepAlive: false, isOld: true }],
    ["GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", { keepAlive: true, isOld: true }],
    [`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, { keepAlive: false }],
    [`GET / HTTP/1.1\r\n${HOST}connection:\tTE , CLOSE\r\n\r\n`, { keepAlive: false }],
    ["GET / HTTP/1.1\nHost: a\n\n", { path: "/" }],
    ["\r\n\nGET / HTTP/1.1\r\nHost:\r\n\r\n", { path: "/" }],
    [`GET http://elsewhere:1/healthz?x HTTP/1.1\r\n${HOST}\r\n`, { path: "/healthz?x" }],
    [`GET /caf\xc3\xa9 HTTP/1.1\r\n${HOST}\r\n`, { path: "/caf%C3%A9" }],
    ["GET / HTTP/1.1\r\nHost: [::1]:9125\r\n\r\n", { path: "/" }],
    [`PROPFIND / HTTP/1.1\r\n${HOST}\r\n`, { method: "PROPFIND" }],
    [`GET / HTTP/1.1\r\n${HOST}X: \t a \xff b\t \r\nY:\r\n\r\n`, { path: "/" }],
    [`POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`, { method: "POST", keepAlive: true }],
    // A body is not read, so nothing may follow.
    [`POST / HTTP/1.1\r\n${HOST}Content-Length: 7\r\n\r\n`, { keepAlive: false }],
    [`GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, { keepAlive: false }],
  ])("%j", (text, { path, ...expected }) => {
    const behind = "GET /next HTTP/1.1\r\n";
    const request = parseRequest(text + behind) as HttpRequest;
    expect(request).toMatchObject({ ...expected, bytes: text.length });
    if (path !== undefined) expect(request.url.pathname + request.url.search).toBe(path);
    expect(parseRequest(text.slice(0, -1))).toBeUndefined();
  });

  test.each([
    "GET /\r\n\r\n",
    "GET / HTTP/1.2\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1 \r\n\r\n",
    " GET / HTTP/1.1\r\n\r\n",
    "GET metrics HTTP/1.1\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\n\r\n",
    "GET ftp://a/ HTTP/1.1\r\n\r\n",
    "GET /\x00 HTTP/1.1\r\n\r\n",
    "G(T / HTTP/1.1\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\n",
    "ping\n",
    "GET / HTTP/1.1\r\n\r\n",
    `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n",
    `GET / HTTP/1.1\r\n${HOST} folded\r\n\r\n`,
    `GET / HTTP/1.1\r\n\tfolded: x\r\n${HOST}\r\n`,
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    `GET / HTTP/1.1\r\n${HOST}no colon\r\n\r\n`,
    `GET / HTTP/1.1\r\n${HOST}: x\r\n\r\n`,
    `GET / HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`,
    `GET / HTTP/1.1\r\n${HOST}X: \x00\r\n\r\n`,
    `GET / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`,
    `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
  ])("%j is none", (text) => {
    expect(parseRequest(text)).toBe(400);
  });

  test("may be as long as it may be, and no longer", () => {
    const start = `GET / HTTP/1.1\r\n${HOST}X: `;
    const end = "\r\n\r\n";
    const longest = start + "x".repeat(HEAD_BYTES_MAX - start.length - end.length) + end;
    expect(parseRequest(longest)).toMatchObject({ bytes: HEAD_BYTES_MAX });
    expect(parseRequest(longest.replace("X: ", "X:  "))).toBe(431);
    expect(parseRequest("x".repeat(HEAD_BYTES_MAX))).toBeUndefined();
    expect(parseRequest("x".repeat(HEAD_BYTES_MAX + 1))).toBe(431);
    expect(parseRequest(`GET /${"x".repeat(HEAD_BYTES_MAX)}`)).toBe(431);
    expect(parseRequest("\n".repeat(HEAD_BYTES_MAX + 1))).toBe(431);
  });

  test.each([
    ["blanks", " ".repeat(8000)],
    ["blanks and a control", `${" ".repeat(8000)}\x00`],
    ["blanks between", `a${" ".repeat(8000)}\x00`],
    ["blanks and tabs", `${" \t".repeat(3900)}\x00`],
    ["words", `${"a ".repeat(3900)}\x00`],
    ["words far apart", `${`a${" ".repeat(80)}`.repeat(98)}\x00`],
  ])("a header of %s costs no more than its length", (_, value) => {
    const text = `GET / HTTP/1.1\r\n${HOST}X:${value}\r\n`;
    const took = Array.from({ length: 5 }, () => {
      const beganMs = performance.now();
      expect([undefined, 400]).toContain(parseRequest(text) as undefined);
      return performance.now() - beganMs;
    });
    // A pattern that goes back over what it has read took 100 ms, and all else waited for it.
    expect(Math.min(...took)).toBeLessThan(5);
  });
});

describe("bytes in any pieces", () => {
  const pieces = fc.constantFrom(
    ...["GET ", "POST ", "/", "/x?y", " HTTP/1.1", " HTTP/1.0", "\r\n", "\n", "\r", HOST, "Connection: close\r\n"],
    ...["Content-Length: 5\r\n", ":", " ", "\t", "\x00", "\xff", `GET / HTTP/1.1\r\n${HOST}\r\n`, "x".repeat(5000)],
  );
  const stream = fc.array(fc.oneof({ weight: 9, arbitrary: pieces }, fc.string({ unit: "binary-ascii" })), {
    maxLength: 30,
  });

  test("are answered alike, and never with an exception", () => {
    fc.assert(
      fc.property(
        stream.map((some) => some.join("")),
        fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 40 }),
        (text, lengths) => {
          const split: string[] = [];
          let at = 0;
          for (const length of lengths) {
            split.push(text.slice(at, at + length));
            at += length;
          }
          split.push(text.slice(at));
          expect(answered(split)).toEqual(answered([text]));
          expect(answered([...text])).toEqual(answered([text]));
        },
      ),
      { numRuns: 300 },
    );
  });

  /** What a server makes of them. */
  function answered(pieces: readonly string[]): string[] {
    const said: string[] = [];
    let asked = "";
    for (const piece of pieces) {
      asked += piece;
      for (;;) {
        const request = parseRequest(asked);
        if (request === undefined) break;
        if (typeof request === "number") return [...said, `${request}`];
        said.push(`${request.method} ${request.url} ${request.keepAlive}`);
        if (!request.keepAlive) return said;
        asked = asked.slice(request.bytes);
      }
    }
    return said;
  }
});
