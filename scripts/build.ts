/**
 * Builds dist/statsd-proxy, a standalone binary for this machine. The tests, the archives and the image use `build`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BunPlugin, fileURLToPath } from "bun";
import { signAdHoc, signatureProblem } from "./macSignature.ts";
import { whatIsWrong } from "./readBack.ts";
import { hostTarget, type Target } from "./targets.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * How many times later than usual the runtime compiles what runs often, until the proxy runs (cli/serve.io.ts): a start
 * takes 37 ms of CPU instead of 46.
 */
const START_JIT_POLICY = 10;

if (import.meta.main) {
  const outfile = join(root, "dist", "statsd-proxy");
  await build(outfile);
  console.log(outfile);
}

/** @throws Error if the result does not match the target */
export async function build(outfile: string, target: Target = hostTarget()): Promise<void> {
  await Bun.build({
    entrypoints: [join(root, "src", "main.ts")],
    target: "bun",
    minify: true,
    // What is imported when a command is called is loaded then: --version takes 14 ms of CPU instead of 17.
    splitting: true,
    // Compiled ahead of time: a start takes 37 ms of CPU instead of 89. On macOS, the file then has no room left for a
    // signature (Bun 1.4.5, darwin-x64).
    ...(target.format === "ELF" && { bytecode: true, format: "esm" }),
    plugins: [embedAddon(target.addon)],
    // The binary ignores whatever is in the folder that it is started in.
    compile: { outfile, target: target.bun, autoloadBunfig: false, autoloadDotenv: false, jitPolicy: START_JIT_POLICY },
  });
  if (target.format === "Mach-O") sign(outfile);
  const wrong = whatIsWrong(readFileSync(outfile), target);
  if (wrong.length > 0) throw new Error(`${outfile} is not for ${target.name}: ${wrong.join("; ")}`);
}

/**
 * The farmhash package computes the path of its addon at run time, which the bundler cannot follow (Bun 1.4.5: the
 * binary dies with "Unsupported platform"). This makes the path a constant, so that the addon is embedded.
 */
function embedAddon(addon: string): BunPlugin {
  const replacements = [
    // Finding it out takes another package.
    ["require('./platform')", `'${addon}'`],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the package's text
    ["-${platform}.node", `-${addon}.node`],
    // The actual reason why it cannot be loaded, instead of this for everything.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the package's text
    ["throw new Error(`Unsupported platform: ${platform}`)", "throw _err"],
  ] as const;
  return {
    name: "embed-farmhash-addon",
    setup: (build) => {
      build.onLoad({ filter: /node_modules\/farmhash\/index\.js$/ }, async ({ path }) => {
        const source = await Bun.file(path).text();
        const contents = replacements.reduce((text, [part, replacement]) => {
          if (!text.includes(part)) throw new Error("the farmhash package loads its addon differently");
          return text.replaceAll(part, replacement);
        }, source);
        return { contents, loader: "js" };
      });
    },
  };
}

function sign(outfile: string): void {
  const bytes = readFileSync(outfile);
  if (signatureProblem(bytes) === undefined) return;
  signAdHoc(bytes, "statsd-proxy");
  writeFileSync(outfile, bytes);
}
