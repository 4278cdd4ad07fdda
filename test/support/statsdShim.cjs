// Loaded into Etsy's statsd before it starts (node --require).
const util = require("node:util");

// statsd 0.9.0 logs with util.log, which Node 23 took away.
util.log ??= (...text) => console.log(...text);

// Its console backend prints each flush with util.inspect: here without abbreviations and on one line, so that it reads as JSON5.
Object.assign(util.inspect.defaultOptions, {
  depth: null,
  maxArrayLength: null,
  maxStringLength: null,
  breakLength: Number.POSITIVE_INFINITY,
  compact: true,
});
