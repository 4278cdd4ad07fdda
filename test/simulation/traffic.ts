/** Applications that send metrics: good lines and bad ones, at all rates. Each line is like no other. */
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** A rate is kept for so long. */
const PHASE_MS = [20, 1500] as const;

const RIVER_PER_MS = [0.4, 0.8] as const;

const FLOOD_EVERY_MS = 0.05;

const STEMS = ["app.logins", "db.query;t=v", "_error", "x", "caf\xe9", "page/views ", "tag,env=prod", "\u00ff\u00fe"];
const TYPES = ["c", "g", "ms", "h", "s", "d"];
const TAILS = ["", "", "", "|@0.1", "|#env:prod,az:b", "|@0.5|#a|T1656581400", ":7|c"];

export interface TrafficParts {
  readonly world: World;
  /** Sends a datagram to where the proxy listens. */
  readonly send: (datagram: Buffer) => void;
  readonly names: number;
  /** Datagrams at most, in all. */
  readonly datagramsMax: number;
  /** Datagrams a millisecond at most. */
  readonly perMsMax: number;
  readonly linesMax: number;
  /** It goes on and on, at a rate that keeps the proxy busy. */
  readonly isRiver: boolean;
  readonly badChance: number;
}

export class Traffic {
  sent = 0;
  linesSent = 0;
  private readonly parts: TrafficParts;
  private readonly random: Random;
  private isOver = false;
  private restsUntilMs = 0;

  constructor(parts: TrafficParts) {
    this.parts = parts;
    this.random = parts.world.random;
  }

  begin(): void {
    this.phase();
  }

  end(): void {
    this.isOver = true;
  }

  /** As many at once. */
  burst(count: number): void {
    for (let i = 0; i < count; i++) this.sendOne();
  }

  /** Nobody sends anything for so long. */
  rest(ms: number): void {
    this.restsUntilMs = this.parts.world.nowMs + ms;
  }

  /** Twenty a millisecond, for so long, whether anybody takes them or not. */
  flood(ms: number): void {
    const { world } = this.parts;
    const untilMs = world.nowMs + ms;
    const next = () => {
      if (world.nowMs > untilMs) return;
      this.sendOne();
      world.after(FLOOD_EVERY_MS, next);
    };
    next();
  }

  private phase(): void {
    const { world, perMsMax, datagramsMax, isRiver } = this.parts;
    if (this.isOver || this.sent >= datagramsMax) return;
    if (isRiver) {
      this.goOn(1 / this.random.between(...RIVER_PER_MS), Number.POSITIVE_INFINITY, true);
      return;
    }
    const ms = this.random.magnitude(...PHASE_MS);
    const kind = this.random.weighted({ idle: 3, trickle: 4, steady: 3, burst: 1 });
    world.note("traffic", kind, ms);
    if (kind === "burst") this.burst(1 + this.random.below(80));
    if (kind === "trickle") this.goOn(this.random.magnitude(2, 100), world.nowMs + ms, false);
    if (kind === "steady") this.goOn(1 / this.random.magnitude(0.2, perMsMax), world.nowMs + ms, true);
    world.after(ms, () => this.phase());
  }

  private goOn(everyMs: number, untilMs: number, isSteady: boolean): void {
    const { world, datagramsMax } = this.parts;
    if (this.isOver || world.nowMs > untilMs || this.sent >= datagramsMax) return;
    this.sendOne();
    const waitMs = isSteady ? everyMs : this.random.between(0, 2 * everyMs);
    world.after(waitMs, () => this.goOn(everyMs, untilMs, isSteady));
  }

  private sendOne(): void {
    if (this.parts.world.nowMs < this.restsUntilMs) return;
    this.sent++;
    this.parts.send(Buffer.from(this.datagram(), "latin1"));
  }

  private datagram(): string {
    const { random } = this;
    const { linesMax, badChance } = this.parts;
    if (random.chance(0.01)) return random.pick(["", "\n", "\r\n\n", "\r"]);
    if (random.chance(0.004)) return this.longLine(random.pick([1000, 1432, 1433, 9000, 65507, 65527]));
    const count = random.chance(0.5) ? 1 : 1 + random.below(linesMax);
    let text = "";
    for (let i = 0; i < count; i++) {
      const line = random.chance(badChance) ? this.badLine() : this.goodLine();
      const end = random.chance(0.03) ? random.pick(["\r\n", "\n\n", "\n\r\n"]) : "\n";
      text += line + (i < count - 1 || random.chance(0.5) ? end : "");
    }
    return text;
  }

  private goodLine(): string {
    const { random } = this;
    const id = this.nextId();
    const name = this.name();
    const kind = random.below(40);
    if (kind === 0) return `_e{${name.length},5}:${name}|text ${id}|#a:b`;
    if (kind === 1) return `_sc|${name}|0|#id:${id}`;
    return `${name}:${id}|${random.pick(TYPES)}${random.pick(TAILS)}`;
  }

  private badLine(): string {
    const { random } = this;
    const id = this.nextId();
    const name = this.name();
    return random.pick([
      `${name} ${id}`,
      `:${id}|c`,
      `${name}:${id}`,
      `${name}:${id}|`,
      `${name}:${id}||@0.1`,
      `${name}:${id}|zz`,
      `${name}:${id}|ccccc`,
      `_e{1,1}:|${id}`,
      `_sc|${name}${id}`,
      `_e{9 ${id}`,
      this.hostileBytes(id),
    ]);
  }

  private hostileBytes(id: number): string {
    const { random } = this;
    let text = "";
    for (let i = random.below(30); i > 0; i--)
      text += String.fromCharCode(random.chance(0.3) ? random.pick([58, 124, 13, 95]) : random.below(256));
    return `${text.replaceAll("\n", " ")}${id}${random.pick(["", ":1|c", "|c", "\r"])}`;
  }

  private longLine(bytes: number): string {
    const line = `${this.name()}:${this.nextId()}|c|#`;
    return line + "t".repeat(bytes - line.length);
  }

  private name(): string {
    const i = this.random.below(this.parts.names);
    return `${STEMS[i % STEMS.length]}${i}`;
  }

  private nextId(): number {
    return ++this.linesSent;
  }
}
