/** The systemd unit and the Kubernetes manifest of scripts/: what they say is tried against the binary. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../src/config/config.ts";
import { Backend, linesArrived } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, send } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts } from "../support/ports.ts";
import { RunningProxy, run } from "../support/process.ts";

setDefaultTimeout(30_000);

function text(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}

const UNITS = ["statsd-proxy.service", "statsd-proxy@.service"] as const;

describe.each(UNITS)("the systemd unit %s", (name) => {
  const missing = Bun.which("systemd-analyze") === null;
  const because = missing ? " (skipped: there is no systemd-analyze here)" : "";
  /** As systemd loads it: of a template, one instance. */
  const loaded = `./${name.replace("@", "@1")}`;

  /** The unit in a folder of its own, with the binary where that is. */
  async function installed(): Promise<string> {
    const folder = emptyFolder();
    const here = text(`scripts/${name}`).replace(/^ExecStart=\S+/m, `ExecStart=${await binary()}`);
    writeFileSync(join(folder, loaded), here);
    return folder;
  }

  test.skipIf(missing)(`is understood by systemd without a warning${because}`, async () => {
    const command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", loaded];
    expect(await run(command, await installed())).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test.skipIf(missing)(`leaves the service little to do harm with, as systemd counts it${because}`, async () => {
    const command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", loaded];
    const { exitCode, stdout } = await run(command, await installed());
    expect(stdout).toMatch(/Overall exposure level for statsd-proxy(@1)?\.service: [01]\.\d OK/);
    expect(exitCode).toBe(0);
  });
});

test.each(UNITS)("the systemd unit %s leaves the proxy what it needs", (name) => {
  const families = /^RestrictAddressFamilies=(.*)$/m.exec(text(`scripts/${name}`))?.[1].split(" ");
  // Metrics and console; $NOTIFY_SOCKET; the machine's own addresses.
  expect(families).toEqual(["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"]);
});

test("the two systemd units differ in the file, the description and the name of the user alone", () => {
  const [one, template] = UNITS.map((name) => text(`scripts/${name}`).replace(/^#.*\n/gm, ""));
  const asOne = template
    .replace(" -f /etc/statsdproxy/%i.json", "")
    .replace(/^(Description=.*) %i$/m, "$1")
    .replace("User=statsd-proxy\n", "");
  expect(asOne).toBe(one);
});

interface Probe {
  exec: { command: string[] };
}

/** Of a Deployment, what is tried here. */
interface Container {
  args: string[];
  ports: { containerPort: number; protocol: string; name: string }[];
  startupProbe: Probe;
  readinessProbe: Probe;
  livenessProbe: Probe;
  volumeMounts: { name: string; mountPath: string; readOnly: boolean }[];
}

describe("the Kubernetes manifest", () => {
  // biome-ignore lint/suspicious/noExplicitAny: documents, each of a form of its own
  const [configMap, headless, deployment, service] = Bun.YAML.parse(text("scripts/kubernetes.yaml")) as any[];
  const pod = deployment.spec.template.spec;
  const container: Container = pod.containers[0];
  const { mountPath } = container.volumeMounts[0];
  const [entrypoint] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text("Dockerfile"))?.[1] ?? "[]");

  test("its parts fit each other, the image, and the ports of the configuration", () => {
    const kinds = [configMap, headless, deployment, service].map(({ kind }) => kind);
    expect(kinds).toEqual(["ConfigMap", "Service", "Deployment", "Service"]);
    expect(pod.volumes[0].configMap.name).toBe(configMap.metadata.name);
    expect(service.spec.selector).toEqual(deployment.spec.template.metadata.labels);
    expect(deployment.spec.selector.matchLabels).toEqual(deployment.spec.template.metadata.labels);
    const { runAsUser, runAsGroup } = pod.securityContext;
    expect(text("Dockerfile")).toContain(`\nUSER ${runAsUser}:${runAsGroup}\n`);
    const [{ errors, warnings, config }] = Object.values<string>(configMap.data).map(readConfig);
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
    expect(container.volumeMounts).toEqual([{ name: "config", mountPath: "/config", readOnly: true }]);
    expect(container.args).toEqual(["-f", `${mountPath}/${Object.keys(configMap.data)[0]}`, "--watch"]);
    expect(container.ports).toEqual([{ name: "statsd", containerPort: config?.port ?? 0, protocol: "UDP" }]);
    expect(service.spec.ports[0]).toMatchObject({ port: config?.port, targetPort: "statsd", protocol: "UDP" });
  });

  test("its backends are all pods behind the headless service, at the ports that it names", () => {
    const [settings] = Object.values<string>(configMap.data).map((content) => Bun.JSON5.parse(content));
    const [metrics, management] = headless.spec.ports;
    expect(headless.spec.clusterIP).toBe("None");
    expect([metrics.protocol, management.protocol]).toEqual(["UDP", "TCP"]);
    expect(settings).toEqual({
      nodes: [{ host: headless.metadata.name, discover: true, port: metrics.port, managementport: management.port }],
    });
  });

  test("its commands start the proxy, and probe it as they say", async () => {
    const folder = emptyFolder();
    const executable = await binary();
    const here = (command: string[]) =>
      command.map((word) => {
        if (word === "8126") return String(managementport);
        return word === entrypoint ? executable : word.replace(mountPath, join(folder, "config"));
      });

    // The files of the ConfigMap, but with ports that are free here and a backend that is there.
    const backend = await Backend.open();
    const [port, managementport] = await freePorts(2);
    mount(folder, "1", { port, managementport, nodes: [backend.node] });
    const proxy = new RunningProxy(here([entrypoint, ...container.args]), folder, { port, managementport });
    await proxy.line("event=listening");
    await send(proxy, ["in.a.pod:1|c"]);
    expect(await linesArrived([backend], 1)).toEqual(["in.a.pod:1|c"]);

    const passes = async ({ exec }: Probe) => (await run(here(exec.command), folder)).exitCode === 0;
    const { startupProbe, readinessProbe, livenessProbe } = container;
    const probes = async () => [await passes(startupProbe), await passes(readinessProbe), await passes(livenessProbe)];
    expect(await probes()).toEqual([true, true, true]);
    await ask(proxy, "health down");
    expect(await probes()).toEqual([true, false, true]);

    const other = await Backend.open();
    mount(folder, "2", { port, managementport, nodes: [other.node] });
    await proxy.line("event=reloaded cause=file");
    await send(proxy, ["after.a.change:1|c"]);
    expect(await linesArrived([other], 1)).toEqual(["after.a.change:1|c"]);
    proxy.signal("SIGTERM");
    expect(await proxy.exited).toBe(0);
    expect(await probes()).toEqual([false, false, false]);
  });

  /** Mounts the ConfigMap as the kubelet does: links through one link that is replaced, so that all files change at once. */
  function mount(folder: string, version: string, settings: object): void {
    const config = join(folder, "config");
    mkdirSync(join(config, version), { recursive: true });
    for (const [name, content] of Object.entries<string>(configMap.data)) {
      const complete = { ...(Bun.JSON5.parse(content) as object), ...settings };
      writeFileSync(join(config, version, name), JSON.stringify(complete));
      if (version === "1") symlinkSync(join("..data", name), join(config, name));
    }
    symlinkSync(version, join(config, "..data_tmp"));
    renameSync(join(config, "..data_tmp"), join(config, "..data"));
  }
});
