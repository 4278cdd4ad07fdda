/** Builds dist/statsd-proxy, a standalone binary for this machine. The tests build theirs with `build`. */
import { join } from "node:path";
import { type BunPlugin, fileURLToPath } from "bun";

/** The package's own word for this machine, as `linux-x64` or `linuxmusl-x64`. */
const addonPlatform: string = require("farmhash/platform.js");
const root = fileURLToPath(new URL("..", import.meta.url));

if (import.meta.main) {
  const outfile = join(root, "dist", "statsd-proxy");
  await build(outfile);
  console.log(outfile);
}

export async function build(outfile: string, platform = addonPlatform): Promise<void> {
  await Bun.build({
    entrypoints: [join(root, "src", "main.ts")],
    target: "bun",
    minify: true,
    plugins: [embedAddon(platform)],
    // What lies in the folder that the binary is started in is none of its business.
    compile: { outfile, autoloadBunfig: false, autoloadDotenv: false },
  });
}

/**
 * The farmhash package puts the path of its addon together at run time, which the bundler cannot follow (Bun 1.4.5: the
 * binary dies with "Unsupported platform"). Here the path is made whole, so that the one addon is embedded.
 */
function embedAddon(platform: string): BunPlugin {
  return {
    name: "embed-farmhash-addon",
    setup: (build) => {
      build.onLoad({ filter: /node_modules\/farmhash\/index\.js$/ }, async ({ path }) => {
        const source = await Bun.file(path).text();
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it stands so in the package
        const contents = source.replaceAll("${platform}", platform);
        return { contents, loader: "js" };
      });
    },
  };
}
