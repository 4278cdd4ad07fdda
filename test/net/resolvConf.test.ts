import { describe, expect, test } from "bun:test";
import { addressesInHosts, namesToAsk } from "../../src/net/resolvConf.ts";

const KUBERNETES =
  "search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n";

describe("names to ask for", () => {
  test.each<[string, string, string[]]>([
    ["statsd", "", ["statsd"]],
    ["statsd", "search a.test b.test.", ["statsd.a.test", "statsd.b.test", "statsd"]],
    ["statsd.x", "search a.test", ["statsd.x", "statsd.x.a.test"]],
    ["statsd.", "search a.test", ["statsd"]],
    ["statsd", "domain a.test # ours", ["statsd.a.test", "statsd"]],
    ["statsd", "search a.test\nsearch b.test", ["statsd.b.test", "statsd"]],
    ["statsd", "search a.test\noptions ndots:0", ["statsd", "statsd.a.test"]],
    ["a.b", "search c\noptions timeout:1 ndots:2\n", ["a.b.c", "a.b"]],
    ["a.b", "search c\noptions ndots:99999\n; search d", ["a.b.c", "a.b"]],
    [
      "statsd",
      KUBERNETES,
      ["statsd.ns.svc.cluster.local", "statsd.svc.cluster.local", "statsd.cluster.local", "statsd"],
    ],
    ["a", "search 1 2 3 4 5 6 7 8", ["a.1", "a.2", "a.3", "a.4", "a.5", "a.6", "a"]],
  ])("%s with %j", (host, resolvConf, names) => {
    expect(namesToAsk(host, resolvConf)).toEqual(names);
  });
});

test("/etc/hosts: every line of a name counts, whatever its case, and comments do not", () => {
  const hosts = "127.0.0.1 localhost\n10.0.0.1\tStatsd statsd.test # old\n::1 localhost statsd\n#10.0.0.9 statsd\n";
  expect(addressesInHosts("statsd", hosts)).toEqual(["10.0.0.1", "::1"]);
  expect(addressesInHosts("STATSD.test.", hosts)).toEqual(["10.0.0.1"]);
  expect(addressesInHosts("old", hosts)).toEqual([]);
  expect(addressesInHosts("127.0.0.1", hosts)).toEqual([]);
});
