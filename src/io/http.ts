/** HTTP: requests in, answers out. What they are is core/web.ts's business. */
import type { Server } from "bun";
import type { HttpCode } from "../core/counters.ts";
import { badRequest, type Reply, respond, serverError, type WebDesk } from "../core/web.ts";

/** A connection on which nothing happens for this long is closed. */
const IDLE_SECONDS = 30;

export interface HttpParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly desk: WebDesk;
  readonly onAnswer: (code: HttpCode) => void;
}

export class Http {
  private readonly server: Server<undefined>;
  private readonly onAnswer: (code: HttpCode) => void;

  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  constructor({ host, port, desk, onAnswer }: HttpParts) {
    this.onAnswer = onAnswer;
    this.server = Bun.serve({
      hostname: host,
      port,
      // Outside of development Bun shares ports unless it is told not to (1.4.5): a second proxy would get every other
      // request of the first, instead of an error.
      reusePort: false,
      idleTimeout: IDLE_SECONDS,
      // No request that is answered has a body.
      maxRequestBodySize: 1024,
      development: false,
      fetch: (request) => this.send(replyTo(request, desk)),
      error: () => this.send(serverError()),
    });
  }

  get port(): number {
    return this.server.port as number;
  }

  close(): void {
    void this.server.stop(true);
  }

  private send({ status, headers, body }: Reply): Response {
    this.onAnswer(status);
    return new Response(body, { status, headers });
  }
}

function replyTo(request: Request, desk: WebDesk): Reply {
  // In front of the path Bun puts the host that the sender names. That may be none at all, as in HTTP/1.0, the language
  // of load balancers' checks; and then the path stands alone.
  const url = URL.parse(request.url.startsWith("/") ? `http://localhost${request.url}` : request.url);
  return url === null ? badRequest() : respond(request.method, url.pathname, url.searchParams, desk);
}
