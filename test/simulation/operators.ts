/** Operators who ask at the console and over HTTP: most in an orderly way, some not. */
import type { OperatorWord } from "../../src/health/nodeHealth.ts";
import type { EventLoop } from "./eventLoop.ts";
import type { Insides, Node } from "./insides.ts";
import type { OperatorConnection } from "./operatorSocket.ts";
import type { SimulatedNetwork } from "./simulatedNetwork.ts";
import type { WordOracle } from "./wordOracle.ts";
import type { World } from "./world.ts";

/** To an orderly client more of an answer comes within this, in time that the proxy was awake. */
const ANSWER_MS_MAX = 500;
/** A turn may take long: within so many of them, too. */
const ANSWER_TURNS_MAX = 20;

interface Question {
  readonly text: string;
  /** The whole answer, as a pattern. */
  readonly answer: string;
  /** What it says of a node. */
  readonly says?: { readonly label: string; readonly word: OperatorWord };
}

/** What an answer may say of a node that is set so; before it the label, or that nothing changed. */
const EFFECTS = {
  up: "(?:goes by its checks already|is up[^\\n]*)",
  drain: "drains(?: already|:[^\\n]*)",
  down: "is set down(?: already|:[^\\n]*)",
} as const;
const NOBODY = "(?:no node is left: lines are dropped until one is up\\n)?";

const CONSOLE_QUESTIONS: readonly Question[] = [
  { text: "ping", answer: "pong\\n" },
  { text: "ping", answer: "pong\\n" },
  { text: " PING ", answer: "pong\\n" },
  {
    text: "stats",
    answer: "time running in seconds: \\d+\\npackets_received: \\d+\\.0{6}\\n(?:[^\\n ]+: [-\\d.]+\\n)+",
  },
  { text: "stats json", answer: '\\{"uptime_seconds":[^\\n]*\\}\\n' },
  {
    text: "nodes",
    answer: "node +(?:address +)?state[^\\n]*\\n(?:[^\\n]+ (?:up|down|drained|set down)(?:,flapping)? [^\\n]*\\n)+",
  },
  { text: "health", answer: "health: (?:up|down)\\n" },
  {
    text: "status",
    answer:
      "uptime: \\d+\\nnodes: ?[^\\n]*\\nverdict: [^\\n]+\\n(?:also: [^\\n]+\\n)*delay: [^\\n]+\\n(?:configuration: [^\\n]*\\n)?",
  },
  { text: "route app.logins0", answer: "name[^\\n]*\\napp.logins0 [^\\n]*\\n" },
  { text: "config", answer: "\\{\\n[^]*?\\n\\}\\n" },
  { text: "memstats", answer: "bytes allocated and in use[^]*objects: \\d+\\n" },
  { text: "", answer: "" },
  { text: "wibble", answer: "unknown command\\n" },
];

const HTTP_QUESTIONS: readonly Question[] = [
  { text: "GET /healthz", answer: "HTTP/1\\.1 (?:200|503) [^]*" },
  // A long one is in chunks, the last of which is empty.
  { text: "GET /stats.json", answer: "HTTP/1\\.1 200 [^]*\\}\\s*(?:0\\s*)?" },
  { text: "GET /metrics", answer: "HTTP/1\\.1 200 [^]*statsd_proxy[^]*" },
  { text: "GET /nowhere", answer: "HTTP/1\\.1 404 [^]*" },
];

export class Operators {
  asked = 0;
  answered = 0;
  private readonly world: World;
  private readonly loop: EventLoop;
  private readonly network: SimulatedNetwork;
  private readonly proxy: Insides;
  private isOver = false;
  /** Counts what excuses the proxy from answering. */
  private excuses = 0;
  private readonly words: WordOracle;
  /** Whether the proxy has a node to send to, as of the last look, and how often that may have become otherwise. */
  private isUp = true;
  private healthVersion = 0;
  private nodesBefore: readonly Node[] = [];
  private changesBefore = 0;

  constructor(world: World, loop: EventLoop, network: SimulatedNetwork, proxy: Insides, words: WordOracle) {
    this.words = words;
    this.world = world;
    this.loop = loop;
    this.network = network;
    this.proxy = proxy;
  }

  /** Whoever is not answered now may have been cut for a reason. */
  excuse(): void {
    this.excuses++;
  }

  end(): void {
    this.isOver = true;
  }

  /** What `health` must answer: no node is asked, their states are counted. */
  look(): void {
    const { nodes } = this.proxy;
    let changes = 0;
    for (const { health } of nodes) changes += health.changes;
    if (nodes === this.nodesBefore && changes === this.changesBefore) return;
    this.healthVersion++;
    this.nodesBefore = nodes;
    this.changesBefore = changes;
    this.isUp = nodes.some((node) => node.isUp);
  }

  somebody(): void {
    const { random } = this.world;
    const who = random.weighted({ asks: 12, sets: 6, asksHttp: 4, asksMuch: 1, sits: 1, taps: 1, resets: 1, talks: 1 });
    if (this.isOver) return;
    if (who === "asks") this.asks();
    else if (who === "sets") this.sets();
    else if (who === "asksHttp") this.asksHttp();
    else this.rude(who);
  }

  private asks(): void {
    const { random } = this.world;
    const questions = Array.from({ length: 1 + random.below(4) }, () => random.pick(CONSOLE_QUESTIONS));
    const lineEnd = random.pick(["\n", "\n", "\r\n"]);
    // Without its end the last line is taken for whole after a while; an empty one is none.
    const isOpenEnded = random.chance(0.2) && questions.at(-1)?.text !== "";
    const text = questions.map((question) => question.text).join(lineEnd) + (isOpenEnded ? "" : lineEnd);
    const ends = random.pick(["half-closes", "quits", "stays"] as const);
    const all = ends === "quits" ? `${text}${isOpenEnded ? lineEnd : ""}quit${lineEnd}` : text;
    this.converse(this.proxy.config.managementport, all, questions, ends);
  }

  /** Takes a node out, or back; and most who take one out take it back later. */
  private sets(): void {
    const { world, proxy } = this;
    const { random } = world;
    const ill = proxy.nodes.filter(({ health }) => !health.isWell);
    // What operators look at is what is wrong.
    const { label } = random.pick(ill.length > 0 && random.chance(0.5) ? ill : proxy.nodes);
    const word = random.weighted({ drain: 3, down: 2, up: 3 });
    this.set(label, word);
    if (word === "up" || random.chance(0.2)) return;
    world.after(random.magnitude(5, 3000), () => {
      // It may have left the configuration.
      if (!this.isOver && proxy.config.nodes.some((node) => node.label === label)) this.set(label, "up");
    });
  }

  private set(label: string, word: OperatorWord): void {
    const { world, proxy, words } = this;
    const { random } = world;
    world.fault(`node ${word === "up" ? "taken back" : word === "drain" ? "drained" : "set down"}`, label);
    words.asks(label, word);
    const name = escaped(label);
    const setting: Question = {
      text: `node ${label} ${random.chance(0.1) ? word.toUpperCase() : word}`,
      answer: `(?:nothing changed: )?${name} ${EFFECTS[word]}\\n${NOBODY}`,
      says: { label, word },
    };
    const asking: Question = {
      text: `node ${label}`,
      answer: `${name}: (?:up|down|drained|set down)(?:, flapping)?(?: \\([^\\n]*\\))?\\n(?: {2}[^\\n]+\\n)+`,
    };
    const questions = random.chance(0.3) ? [setting, asking] : [setting];
    const text = questions.map((question) => `${question.text}\n`).join("");
    this.converse(proxy.config.managementport, text, questions, random.pick(["half-closes", "stays"]));
  }

  private asksHttp(): void {
    const { httpport } = this.proxy.config;
    const question = this.world.random.pick(HTTP_QUESTIONS);
    if (httpport !== 0) {
      this.converse(
        httpport,
        `${question.text} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n`,
        [question],
        "quits",
      );
    }
  }

  /** Says it in pieces, and reads at its own pace. */
  private converse(
    port: number,
    text: string,
    questions: readonly Question[],
    ends: "half-closes" | "quits" | "stays",
  ): void {
    const { world, loop, network } = this;
    const { machine } = network;
    const { random } = world;
    const expected = expectedAnswers(questions);
    const { isUp, healthVersion } = this;
    const askedAtMs = world.nowMs;
    const excusesBefore = this.excuses;
    const cutBefore = this.cuts();
    let heard = "";
    let heardAtMs = world.awakeMs;
    let heardInTurn = loop.turns;
    let isEnded = false;
    let isDone = false;
    const connection = network.operatorPortAt(port)?.connect(
      (bytes) => {
        heard += bytes.toString("latin1");
        heardAtMs = world.awakeMs;
        heardInTurn = loop.turns;
      },
      () => {
        isEnded = true;
        connection?.sayEnd();
      },
    );
    this.asked++;
    if (connection === undefined) {
      if (this.excuses === excusesBefore) world.violated(`port ${port} refuses operators`);
      return;
    }
    world.note("asks", port, JSON.stringify(text));
    this.say(connection, Buffer.from(text, "latin1"), random.chance(0.3), ends === "half-closes");
    const bytesAtOnce = random.chance(0.2) ? 200 : 100_000;
    const listen = () => {
      connection.read(bytesAtOnce);
      if (!expected.test(heard) || (ends !== "stays" && !isEnded)) return;
      isDone = true;
      this.answered++;
      // A node may have gone in the turn that answered, before the look that follows it.
      this.look();
      if (healthVersion === this.healthVersion) this.judgeHealth(heard, isUp);
      if (this.excuses === excusesBefore) this.judgeWords(questions, askedAtMs);
      world.note("answered", port, heard.length);
      connection.sayEnd();
    };
    const again = () => {
      if (isDone) return;
      listen();
      const isExcused = this.excuses > excusesBefore || this.cuts() > cutBefore || machine.isOutOfDescriptors;
      if (isDone || this.isOver || isExcused) {
        connection.reset();
        return;
      }
      if (world.awakeMs - heardAtMs > ANSWER_MS_MAX && loop.turns - heardInTurn > ANSWER_TURNS_MAX) {
        world.violated(`an operator is not answered: ${JSON.stringify(text)}: ${JSON.stringify(heard.slice(-200))}`);
        return;
      }
      world.after(random.between(1, 20), again);
    };
    again();
  }

  private judgeHealth(heard: string, isUp: boolean): void {
    const said = /^health: (up|down)$/m.exec(heard)?.[1];
    if (said !== undefined && (said === "up") !== isUp) this.world.violated(`it says that its health is ${said}`);
  }

  /** What was answered has been so. */
  private judgeWords(questions: readonly Question[], sinceMs: number): void {
    for (const { says } of questions) {
      if (says && !this.words.wasInForce(says.label, says.word, sinceMs)) {
        this.world.violated(`${says.label} is answered to be set ${says.word}, and is not`);
      }
    }
  }

  private say(connection: OperatorConnection<unknown>, bytes: Buffer, inPieces: boolean, ends: boolean): void {
    const { world, loop } = this;
    const { random } = world;
    const length = inPieces ? 1 + random.below(bytes.length) : bytes.length;
    const taken = connection.say(bytes.subarray(0, length));
    const rest = bytes.subarray(taken);
    if (rest.length === 0) {
      if (ends) connection.sayEnd();
      return;
    }
    // A pause must not make a line of a part: so the pieces come quickly, even where the proxy learns of them late.
    const pauseMs = random.between(0, 4);
    if (random.chance(0.3)) world.after(random.between(0, pauseMs), () => loop.stall(random.magnitude(20, 500)));
    world.after(pauseMs, () => this.say(connection, rest, inPieces, ends));
  }

  private rude(who: "asksMuch" | "sits" | "taps" | "resets" | "talks"): void {
    const { world, network, proxy } = this;
    const { random } = world;
    world.fault(`client ${who}`);
    const count = who === "sits" ? random.pick([3, 20, 135]) : 1;
    for (let i = 0; i < count; i++) {
      const listener = network.operatorPortAt(proxy.config.managementport);
      const connection = listener?.connect(
        () => {},
        () => {},
      );
      if (connection === undefined) return;
      if (who === "asksMuch") connection.say(Buffer.from("stats\nconfig\n".repeat(1 + random.below(60))));
      if (who === "talks") connection.say(Buffer.from("x".repeat(random.pick([10, 4097, 70_000]))));
      if (who === "taps")
        connection.say(Buffer.from(`tap ${random.pick(["", "rejected", "app*"])} ${1 + random.below(50)}\n`));
      if (who === "resets") connection.say(Buffer.from("stats\n"));
      const reads = random.chance(0.5);
      const goOn = (times: number) => {
        if (reads) connection.read(500);
        if (times > 0 && !this.isOver) world.after(random.between(5, 50), () => goOn(times - 1));
        else connection.reset();
      };
      goOn(who === "resets" ? 0 : random.below(40));
    }
  }

  private cuts(): number {
    const { consoleCut, httpCut } = this.proxy.counters;
    return (
      Object.values(consoleCut).reduce((sum, count) => sum + count, 0) +
      Object.values(httpCut).reduce((sum, count) => sum + count, 0)
    );
  }
}

/** Of most conversations there are many. */
const EXPECTED = new Map<string, RegExp>();
const EXPECTED_MAX = 2000;

function expectedAnswers(questions: readonly Question[]): RegExp {
  const pattern = `^${questions.map(({ answer }) => answer).join("")}$`;
  let expected = EXPECTED.get(pattern);
  if (expected === undefined) {
    if (EXPECTED.size >= EXPECTED_MAX) EXPECTED.clear();
    expected = new RegExp(pattern);
    EXPECTED.set(pattern, expected);
  }
  return expected;
}

function escaped(text: string): string {
  return text.replaceAll(/[.[\]]/g, "\\$&");
}
