import { describe, expect, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { listenerProblems } from "../../src/config/listeners.ts";

const BOTH = { managementport: 8126, httpport: 8126 };

describe("console and HTTP at one port", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["127.0.0.1", "0.0.0.0"],
    ["0.0.0.0", "127.0.0.1"],
    ["10.0.0.1", "00.0.0.0"],
    ["::", "127.0.0.1"],
    ["127.0.0.1", "::"],
    ["0.0.0.0", "0:0::0"],
    ["::", "::1"],
    ["LocalHost", "localhost"],
  ])("%s and %s are one address: an error", (managementhost, httphost) => {
    const at = managementhost.includes(":") ? `[${managementhost}]:8126` : `${managementhost}:8126`;
    const message = `the proxy's own console has this port (${at}): give HTTP another`;
    const file = { nodes: [{ host: "a", port: 1 }], ...BOTH, managementhost, httphost };
    const isRead = httphost !== "00.0.0.0";
    expect(listenerProblems(file)).toEqual([{ at: "httpport", message }]);
    if (isRead) expect(readConfig(JSON.stringify(file)).errors).toEqual([{ at: "httpport", message }]);
  });

  test.each([
    ["127.0.0.1", "127.0.0.2"],
    ["::1", "0.0.0.0"],
    ["::1", "127.0.0.1"],
    ["localhost", "0.0.0.0"],
  ])("%s and %s are two", (managementhost, httphost) => {
    expect(listenerProblems({ ...BOTH, managementhost, httphost })).toEqual([]);
  });

  test("are compared by what their names mean, where it is known", () => {
    const named = { ...BOTH, managementhost: "localhost", httphost: "0.0.0.0" };
    expect(listenerProblems(named, (host) => (host === "localhost" ? "127.0.0.1" : host))).toHaveLength(1);
    expect(listenerProblems(named, (host) => (host === "localhost" ? "::1" : host))).toEqual([]);
  });
});

test("what has another port, or another protocol, is no clash", () => {
  const hosts = { managementhost: "127.0.0.1", httphost: "127.0.0.1" };
  expect(listenerProblems({ ...hosts, managementport: 8126, httpport: 8127 })).toEqual([]);
  expect(listenerProblems({ ...hosts, managementport: 8126, httpport: 0 })).toEqual([]);
  // Metrics arrive over UDP.
  const { errors } = readConfig(
    '{ nodes: [{ host: "a", port: 1 }], port: 9000, managementport: 9000, httpport: 8127 }',
  );
  expect(errors).toEqual([]);
});
