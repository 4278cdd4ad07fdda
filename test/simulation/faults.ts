/** Faults that the proxy had once, or might have: each as an exchange of text in one file. A seed must find each. */

export interface Fault {
  readonly name: string;
  readonly file: string;
  /** It is there once. */
  readonly find: string;
  readonly replace: string;
}

export const FAULTS: readonly Fault[] = [
  {
    name: "a refusal sets the timer of the check anew",
    file: "src/health/checks.ts",
    find: "    if (this.timer !== undefined && this.timerAtMs <= dueAtMs) return;\n",
    replace: "",
  },
  {
    name: "a refusal pushes the check away",
    file: "src/health/checkPlan.ts",
    find: "    this.bringForward(Math.max(nowMs, this.beganAtMs + RECHECK_MS_MIN));",
    replace: "    this.dueAtMs = nowMs + RECHECK_MS_MIN;",
  },
  {
    name: "a refusal that is the error of a send is not counted",
    file: "src/net/udpLink.ts",
    find: 'if (!this.parts.network.repeatsAnswers && errno === "ECONNREFUSED") this.parts.onRefusal();',
    replace: "void errno;",
  },
  {
    name: "a check that times out does not look again",
    file: "src/health/probe.ts",
    find: "const GRACE_TURNS = 3;",
    replace: "const GRACE_TURNS = 0;",
  },
  {
    name: "the want of a descriptor is held against a node",
    file: "src/health/probe.ts",
    find: "LACKS.has(error)",
    replace: "answers < 0",
  },
  {
    name: "the end of a kept connection is no failed check",
    file: "src/health/checks.ts",
    find: "    if (isFailure) this.ended(",
    replace: "    if (isFailure && running !== this.running) this.ended(",
  },
  {
    name: "an answer that comes too late is taken for that to the next question",
    file: "src/health/probe.ts",
    find: "    // An answer that arrives later must not be taken for the next one.\n    this.disconnect();\n",
    replace: '    this.text = "up\\n";\n',
  },
  {
    name: "what was given up tells its end to the check that came after it",
    file: "src/health/probe.ts",
    find: "        if (isCurrent()) this.ended(error);",
    replace: "        this.ended(error);",
  },
  {
    name: "a node that moves is checked where it was",
    file: "src/engine/node.ts",
    find: "      settings.host === before.host &&\n      settings.config.port",
    replace: "      settings.config.port",
  },
  {
    name: "a node that is not checked is said to be up with each change",
    file: "src/engine/membership.ts",
    find: "    if (isUp === wasUp) return false;\n",
    replace: "",
  },
  {
    name: "a stop does not read the socket",
    file: "src/net/udpSource.ts",
    find: "    else await this.readRest(kernel, untilMs);",
    replace: "",
  },
  {
    name: "a stop does not count what it did not read",
    file: "src/net/udpSource.ts",
    find: "      this.datagramsUnread += count;\n",
    replace: "",
  },
  {
    name: "a stop leaves the links open",
    file: "src/engine/cluster.ts",
    find: "    for (const node of this.nodes) node.close();\n",
    replace: "",
  },
  {
    name: "a stop does not give up a change",
    file: "src/proxy/proxy.ts",
    find: "    if (this.isStopping) opening.problems.push(STOPPING);\n",
    replace: "",
  },
  {
    name: "lines of a node that moves wait for the old socket",
    file: "src/engine/cluster.ts",
    find: "    }\n    // The socket that a node's lines were waiting for may be gone, and with it what would have told that it has room.\n    this.relay.flush();\n",
    replace: "    }\n",
  },
  {
    name: "senders are not refused when a socket is read to its end",
    file: "src/net/udpSource.ts",
    find: "    kernel.refuseSenders();\n",
    replace: "",
  },
  {
    name: "a link is not opened anew",
    file: "src/net/udpLink.ts",
    find: "    void this.reopen();\n    return true;",
    replace: "    return false;",
  },
  {
    name: "what waited while a link was opened anew is not sent",
    file: "src/net/udpLink.ts",
    find: "    else this.parts.onReady();\n",
    replace: "",
  },
  {
    name: "a link that is opened anew leaves the old socket open",
    file: "src/net/udpLink.ts",
    find: "      this.socket.close();\n      this.socket = socket;\n",
    replace: "      this.socket = socket;\n",
  },
  {
    name: "of a full socket's batch a datagram is forgotten",
    file: "src/net/udpLink.ts",
    find: '      if (outcome === "full") return;\n',
    replace: '      if (outcome === "full") {\n        batch.shift(1);\n        return;\n      }\n',
  },
  {
    name: "a datagram that was sent waits on",
    file: "src/net/udpLink.ts",
    find: "        countSent(batch, counters, 1);\n",
    replace: "        return;\n",
  },
  {
    name: "an exception is swallowed",
    file: "src/relay/relay.ts",
    find: "        this.onFailure(error as Error);\n",
    replace: "",
  },
  {
    name: "what a node that has gone could not send is not counted",
    file: "src/engine/retiredNodes.ts",
    find: "    node.drop();\n",
    replace: "",
  },
  {
    name: "what a node that has gone has counted is lost",
    file: "src/engine/retiredNodes.ts",
    find: "    this.counted.add(node.counters);\n",
    replace: "",
  },
  {
    name: "the kernel's drops at a socket that has gone are lost",
    file: "src/engine/engine.ts",
    find: "      this.closedSourceDrops += source.kernelDrops() ?? 0;\n",
    replace: "",
  },
  {
    name: "what was opened for a change that fails stays open",
    file: "src/engine/opening.ts",
    find: "    for (const closable of this.opened.reverse()) closable.close();\n",
    replace: "",
  },
  {
    name: "names are remembered when the ring changes",
    file: "src/placement/locator.ts",
    find: "    this.cache.clear();\n",
    replace: "",
  },
  {
    name: "a node that goes down keeps its names",
    file: "src/engine/membership.ts",
    find: "    if (!this.settings.holds) this.place();",
    replace: "    if (!this.settings.holds && health.isUp) this.place();",
  },
  {
    name: "a sleep does not look at the buffer",
    file: "src/net/gather.ts",
    find: "const sleepMs = Math.min(this.limits.msMax, aimBytes / chargedPerMs);",
    replace: "const sleepMs = chargedPerMs > 0 ? this.limits.msMax : 0;",
  },
  {
    name: "a delay is counted from when a datagram is read",
    file: "src/observe/delays.ts",
    find: "= nowMs - waitedMs;",
    replace: "= nowMs;",
  },
  {
    name: "a delay counts for one datagram, however many were read with it",
    file: "src/observe/delays.ts",
    find: "this.weights[this.measured] = datagrams;",
    replace: "this.weights[this.measured] = 1;",
  },
  {
    name: "a delay is counted again in each turn",
    file: "src/observe/delays.ts",
    find: "weights[i]);\n    this.measured = 0;\n",
    replace: "weights[i]);\n",
  },
  {
    name: "delays of lines are counted that nobody gets",
    file: "src/engine/engine.ts",
    find: "        if (this.cluster.hasLiveNode) this.delays",
    replace: "        this.delays",
  },
  {
    name: "the beginning of a command is taken for all of it when the event loop was held up",
    file: "src/console/session.ts",
    find: "const GRACE_TURNS = 3;",
    replace: "const GRACE_TURNS = 0;",
  },
  {
    name: "an operator waits for the next who asks",
    file: "src/server/answerScheduler.ts",
    find: "    this.isTurnScheduled = false;\n    this.schedule();\n",
    replace: "    this.isTurnScheduled = false;\n",
  },
  {
    name: "a drained node keeps its names while names are held",
    file: "src/engine/membership.ts",
    find: 'holds ? health.word !== "drain" : health.isUp',
    replace: "holds || health.isUp",
  },
  {
    name: "a node that is set down gives its names away while names are held",
    file: "src/engine/membership.ts",
    find: 'holds ? health.word !== "drain" : health.isUp',
    replace: 'holds ? health.word === "up" : health.isUp',
  },
  {
    name: "an operator's word moves no names",
    file: "src/engine/membership.ts",
    find: "differ in what becomes of the names.\n    this.place();",
    replace: "differ in what becomes of the names.",
  },
  {
    name: "a change of the configuration forgets the operators' words",
    file: "src/engine/cluster.ts",
    find: "    node.use(settings, link, delayMs);\n    const to",
    replace: '    node.use(settings, link, delayMs);\n    node.health.set("up", 0);\n    const to',
  },
  {
    name: "a check that passes ends an operator's word",
    file: "src/health/nodeHealth.ts",
    find: "    this.lastCheck = check;\n    this.changed",
    replace:
      '    this.lastCheck = check;\n    if (check.failure === undefined) this.operatorWord = "up";\n    this.changed',
  },
  {
    name: "an address that comes back ends an operator's word",
    file: "src/health/nodeHealth.ts",
    find: "    this.health = STARTS_UP;\n    this.noAddress = undefined;\n",
    replace: '    this.health = STARTS_UP;\n    this.operatorWord = "up";\n    this.noAddress = undefined;\n',
  },
  {
    name: "what is pending for a node that an operator takes out is dropped",
    file: "src/engine/cluster.ts",
    find: "    const ring = this.currentRing();\n    const movedPart",
    replace: '    const ring = this.currentRing();\n    if (word !== "up") node.drop();\n    const movedPart',
  },
  {
    name: "a drained node is mirrored to",
    file: "src/health/nodeHealth.ts",
    find: '    return this.isWell && this.operatorWord === "up";',
    replace: '    return this.isWell && this.operatorWord !== "down";',
  },
];
