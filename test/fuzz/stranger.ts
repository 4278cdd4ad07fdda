/** A client of a server on a fake network: what it sends waits while the server reads nothing, and it minds its end. */
import type { FakeServer } from "../support/fakeNetwork.ts";
import { FakeClient } from "../support/fakeNetwork.ts";

/** A read takes no more than the kernel holds for a connection. */
const READ_BYTES = 32 * 1024;

export class Stranger extends FakeClient {
  private waiting = "";
  private isEnding = false;

  constructor({ parts: { socket } }: FakeServer) {
    super(socket);
    socket.open(this);
  }

  /** What it has got so far. */
  get answer(): string {
    return Buffer.from(this.text, "latin1").toString();
  }

  /** Bytes that the server holds for it in memory. */
  get held(): number {
    return (this.data as { held: number }).held;
  }

  get isOpen(): boolean {
    return !this.isEnded && !this.isTerminated;
  }

  override send(text: string): void {
    this.waiting += text;
    this.deliver();
  }

  override halfClose(): void {
    this.isEnding = true;
    this.deliver();
  }

  override read(bytes: number): void {
    if (!this.isTerminated) super.read(bytes);
  }

  override write(bytes: Buffer): number {
    return this.isOpen ? super.write(bytes) : -1;
  }

  override resume(): void {
    super.resume();
    this.deliver();
  }

  private deliver(): void {
    while (this.waiting !== "" && !this.isPaused && !this.isTerminated) {
      const piece = this.waiting.slice(0, READ_BYTES);
      this.waiting = this.waiting.slice(READ_BYTES);
      super.send(piece);
    }
    if (!this.isEnding || this.waiting !== "" || this.isTerminated) return;
    this.isEnding = false;
    super.halfClose();
  }
}
