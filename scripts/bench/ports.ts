/** Ports for the relays, which must be told theirs. */

const HOST = "127.0.0.1";

/** A port that was free a moment ago, in TCP and UDP. */
export async function freePort(): Promise<number> {
  for (;;) {
    const listener = Bun.listen({ hostname: HOST, port: 0, socket: { data: () => {} } });
    try {
      const socket = await Bun.udpSocket({ hostname: HOST, port: listener.port, socket: { error: () => {} } });
      socket.close();
      return listener.port;
    } catch {
      // Taken in UDP: let the kernel choose another one.
    } finally {
      listener.stop(true);
    }
  }
}
