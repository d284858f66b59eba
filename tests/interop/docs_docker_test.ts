/**
 * The Dockerfiles of the documents, each inside the runtime that it is for, without Docker: what they copy and run is done
 * in a folder, with this runtime in place of the one in the image, and with a package of these sources. What they start is
 * PID 1 of its namespace, passes their health check, and ends at the signal of `docker stop`. Not tested are the base
 * images, with their users and entry points, and the names of what they bring along.
 */

import { build } from "esbuild";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, it, onTestFinished } from "vitest";
import { ROOT, runCommand } from "../../scripts/command.ts";
import { makeManifest } from "../../scripts/npm_manifest.ts";
import { VERSIONS } from "../../scripts/runtimes.ts";
import { blocksIn, blocksWritten } from "../support/documents.ts";
import { spawnPlainly } from "./support/bare_process.ts";
import { buildImage } from "./support/container_file.ts";
import { manyFreePorts } from "./support/free_ports.ts";
import { needs } from "./support/needs.ts";
import { connect } from "./support/ours.ts";

const SLOW = { timeout: 60_000 };
const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const FILES = blocksWritten("dockerfile").filter(({ info }) => info === `dockerfile ${RUNTIME}`);
/** What they copy that the document shows, by its name. */
const SHOWN = blocksWritten("json");

it("there is one for this runtime", () => expect(FILES.length).toBeGreaterThan(0));

for (const { name, document, text } of FILES) {
  it(
    `${name}: what it starts is healthy, and ends at SIGTERM as PID 1`,
    SLOW,
    needs("unshare", async () => {
      const folder = await mkdtemp(join(tmpdir(), "hawser-image-"));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const [context, root, bin] = ["context", "root", "bin"].map((part) => join(folder, part)) as [
        string,
        string,
        string,
      ];
      for (const part of [context, root, bin]) await mkdir(part);
      await putContext(context, document);
      // The name by which an image knows its runtime.
      await writeFile(join(bin, RUNTIME), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
      const outside = { PATH: `${bin}:${process.env["PATH"]}` };

      // Two of them may be started on this machine at the same time.
      const [port] = await manyFreePorts(1);
      const image = await buildImage(text.replaceAll("9090", `${port}`), context, root, outside);
      expect(image.base).toMatch(RUNTIME === "node" ? /^node:2[24]/ : new RegExp(`[:]${VERSIONS[RUNTIME]}(-|$)`));
      expect([undefined, "root", "0"]).not.toContain(image.user);
      expect(image.exposed).toEqual([port]);

      const env = { ...outside, ...image.environment };
      const check = async (): Promise<boolean> => {
        const [command = "", ...args] = image.health;
        const script = ["-c", 'cd "$0" && exec "$@"', image.folder, command, ...args];
        return (await runCommand("sh", script, { env, timeout: 10 })).ok;
      };
      expect(await check()).toBe(false);
      const started = ["unshare", "-rp", "--fork", "--kill-child=SIGKILL", ...image.command];
      const container = spawnPlainly(started, env, image.folder);
      await container.wrote(/Listening on/);
      expect(await check()).toBe(true);

      const client = await connect(`ws://127.0.0.1:${port}/echo`);
      await client.writeTextMessage("hello");
      expect(await client.readTextMessage()).toBe("hello");
      const first = Number(await readFile(`/proc/${container.pid}/task/${container.pid}/children`, "utf8"));
      expect(await readFile(`/proc/${first}/status`, "utf8")).toMatch(/^NSpid:\t\d+\t1$/m);
      expect(await container.kill(image.stopSignal, first)).toBe(0);
      expect(await client.closed).toMatchObject({ code: 1012, reason: "restart", clean: true });
      expect(await check()).toBe(false);
    }),
  );
}

/** What stands in the folder of the Dockerfile: what the document shows, and hawser, packed and as sources. */
async function putContext(context: string, document: string): Promise<void> {
  const server = blocksIn(document).find(({ info }) => info === "ts server")!.text;
  await writeFile(join(context, "server.ts"), server);
  for (const { info, text } of SHOWN) await writeFile(join(context, info.split(" ")[1]!), text);
  if (RUNTIME === "deno") {
    await mkdir(join(context, "hawser"));
    for (const part of ["mod.ts", "src"]) {
      await cp(join(ROOT, part), join(context, "hawser", part), { recursive: true });
    }
    return;
  }
  // In place of the package of `npm run build`, which scripts/test_package.ts makes and uses: the same code in one file.
  const made = join(context, "..", "package");
  await mkdir(made);
  const own = makeManifest(
    JSON.parse(await readFile(join(ROOT, "deno.json"), "utf8")),
    JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")),
  );
  const { name, version, type } = own;
  await writeFile(join(made, "package.json"), JSON.stringify({ name, version, type, exports: "./mod.js" }));
  await build({
    entryPoints: [join(ROOT, "mod.ts")],
    outfile: join(made, "mod.js"),
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "error",
  });
  const { ok, output } = await runCommand("npm", ["pack", "--silent", "--pack-destination", context, made]);
  expect(ok, output).toBe(true);
}
