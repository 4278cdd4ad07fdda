/** Name servers, and a system, that say what a test wants. */
import type { Family, NameQuery, NameService } from "../../src/net/nameService.ts";

/** Addresses of both families; or an error; or nothing, until the end of time. */
export type Said = readonly string[] | { readonly error: string } | "silence";

export class FakeNames implements NameService {
  resolvConf = "";
  hosts = "";
  /** Each question to a name server, as `name/family`. */
  readonly asked: string[] = [];
  /** Each name that the system was asked for. */
  readonly askedOfSystem: string[] = [];
  /** Questions that have no answer yet, and were not cancelled. */
  underWay = 0;
  underWayMax = 0;
  private readonly said = new Map<string, Said>();
  private readonly system = new Map<string, Said>();

  /** @param family undefined: of both */
  say(name: string, said: Said, family?: Family): void {
    for (const of of family === undefined ? [4, 6] : [family]) this.said.set(`${name}/${of}`, said);
  }

  saySystem(name: string, said: Said): void {
    this.system.set(name, said);
  }

  files() {
    return { resolvConf: this.resolvConf, hosts: this.hosts };
  }

  query(): NameQuery {
    let isOpen = true;
    this.underWay++;
    this.underWayMax = Math.max(this.underWayMax, this.underWay);
    return {
      addresses: async (name, family) => {
        this.asked.push(`${name}/${family}`);
        const said = await saidOf(this.said.get(`${name}/${family}`) ?? []);
        return said.filter((address) => address.includes(":") === (family === 6));
      },
      cancel: () => {
        if (isOpen) this.underWay--;
        isOpen = false;
      },
    };
  }

  async askSystem(host: string): Promise<readonly string[]> {
    this.askedOfSystem.push(host);
    return await saidOf(this.system.get(host) ?? { error: "ENOTFOUND" });
  }
}

async function saidOf(said: Said): Promise<readonly string[]> {
  if (said === "silence") return await new Promise(() => {});
  if ("error" in said) throw Object.assign(new Error(said.error), { code: said.error });
  return said;
}
