/**
 * Tries the npm package as its users will: it is built and packed once, then installed far from here, where programs are
 * compiled against it and run on each Node, on Deno and on Bun. Tries a checkout from a foreign Deno program, too, and
 * what would go to JSR. `npm test` runs it as its part `package`.
 */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build as bundle } from "esbuild";

import { buildPackage, PACKAGE_FOLDER } from "./build_npm.ts";
import type { Tally } from "./check.ts";
import { type CommandOptions, ROOT, runCommand } from "./command.ts";
import { startRegistry } from "./local_registry.ts";
import { type DenoConfig, isDocument, type Manifest } from "./npm_manifest.ts";
import { findPackageFaults } from "./package_faults.ts";
import { importEach, type Names, packageSpecifier, writeImporting, writeRequiring } from "./package_programs.ts";
import {
  findNode,
  findTypeScript,
  NODE_VERSIONS,
  type NodeRuntime,
  OLDEST_TYPESCRIPT,
  type Runtimes,
} from "./runtimes.ts";
import { findPackages, type InstalledPackage, installPackages, packPackages } from "./peer_packages.ts";
import { runPair, writeReadme } from "./readme_programs.ts";
import { runSteps, type Step } from "./steps.ts";

/** The programs of `tests/package/`, and the one line that each prints. */
const LINES = {
  consumer: "7 5 3,2,1 50000, closed with 1000, cleanly, 0 cut",
  server_consumer: "A page, An echo, closed with 1000, one Router",
  xml_consumer: '{"a":{"#text":"<","@_b":"1"}}, ERR_PAYLOAD_BINDING, 1',
  auth_consumer: "ada from a token, 401 Bearer, bob from a file",
  required: "hello, closed with 1000, told, loaded once",
} as const;

type RuntimeName = "node" | "deno" | "bun";

/** What a runtime cannot load of the package: a subpath here has to fail there, and any other has to load. */
const CANNOT_LOAD: Readonly<Record<RuntimeName, readonly string[]>> = { node: [], deno: [], bun: [] };

/** All that a Deno program has to allow, for loading hawser as for using it. */
const DENO_RUN = ["run", "--no-prompt", "--allow-net=127.0.0.1"];

/** Plain words, and only those that matter. */
const PLAIN = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };

/** As many steps at the same time, and the longest that a command of one may take, in seconds. */
const AT_ONCE = 3;
const TIMEOUT = 60;

/** The programs that import: every user has them. */
const IMPORTING = ["consumer.ts", "server_consumer.ts", "xml_consumer.ts", "auth_consumer.ts", "subpaths.ts"];

/** What the README's programs import beside hawser. */
const README_IMPORTS = ["zod"];

/** What is tried, and where. */
interface Trial {
  readonly runtimes: Runtimes;
  readonly node: (version: string) => Promise<NodeRuntime>;
  readonly manifest: Manifest;
  /** The files of the repository that the subpaths come from, and the names that those export. */
  readonly sources: DenoConfig["exports"];
  readonly names: Names;
  readonly tarball: string;
  /** What subpaths need and users install, with what those need. */
  readonly peers: readonly InstalledPackage[];
  /** What the README's programs need. */
  readonly imported: readonly InstalledPackage[];
  /** The README's programs, and what they print; their files are with each user. */
  readonly readme: Awaited<ReturnType<typeof writeReadme>>;
  /** Of each user, and all gone in the end: the programs are there from the beginning. */
  readonly folders: Readonly<Record<"root" | "node" | "bun" | "deno" | "checkout" | "bare", string>>;
}

/** What is done first, what needs that, and what needs both. */
interface Stages {
  readonly install?: readonly Step[];
  readonly compile?: readonly Step[];
  readonly run?: readonly Step[];
}

/** Tries everything, also after a step failed. Without a tarball there is nothing to try. */
export async function testPackage(runtimes: Runtimes): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-package-"));
  const tallies: Tally[] = [];
  try {
    const trial = await makeTrial(runtimes, folder);
    const others = [...trial.peers, ...trial.imported];
    const tarballs = await packPackages(others, folder);
    const packed = others.map((other, i): [InstalledPackage, string] => [other, tarballs[i]!]);
    const registry = await startRegistry([[trial.manifest, trial.tarball], ...packed]);
    try {
      const all = [tryFiles(trial), tryTypes(trial), tryNode(trial), tryDeno(trial, registry.url), tryBun(trial)];
      for (const stage of ["install", "compile", "run"] as const) {
        tallies.push(await runSteps(all.flatMap((stages) => stages[stage] ?? []), AT_ONCE));
      }
    } finally {
      registry.close();
    }
  } catch (error) {
    console.log(error);
    tallies.push({ passed: 0, failed: 1 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    passed: tallies.reduce((sum, tally) => sum + tally.passed, 0),
    failed: tallies.reduce((sum, tally) => sum + tally.failed, 0),
  };
}

/** Builds, packs, and writes the programs of each user. */
async function makeTrial(runtimes: Runtimes, root: string): Promise<Trial> {
  const { manifest, sources, imports, compiler, why } = await buildPackage();
  console.log(`Built with ${compiler}: ${why}`);
  if (compiler !== "dnt") console.log("Not tried, and not counted: the package as dnt makes it");
  await run("npm", ["pack", PACKAGE_FOLDER, "--pack-destination", root]);
  const { name, version } = manifest;
  const tarball = join(root, `${name}-${version}.tgz`);

  const names = new Map<string, readonly string[]>();
  for (const [subpath, source] of Object.entries(sources)) {
    const module: object = await import(sourceUrl(source));
    names.set(subpath, Object.keys(module).sort());
  }
  const of = (user: string): string => join(root, user);
  const folders = {
    root,
    node: of("node"),
    bun: of("bun"),
    deno: of("deno"),
    checkout: of("checkout"),
    bare: of("bare"),
  };
  for (const folder of [folders.node, folders.bun]) {
    await mkdir(folder);
    await writeJson(join(folder, "package.json"), { type: "module", private: true });
    await writeImporting(folder, packageSpecifier(name), sources, names);
    await writeRequiring(folder, name, names);
  }
  for (const folder of [folders.deno, folders.checkout]) {
    await mkdir(folder);
    // From npm, hawser finds the peer that the program has; from a checkout, the program's import map is the only one.
    const published = packageSpecifier(`npm:${name}@${version}`);
    const specify = folder === folders.deno ? published : (subpath: string) => sourceUrl(sources[subpath]!);
    const read = Object.fromEntries(README_IMPORTS.map((name) => [name, `npm:${name}`]));
    await writeJson(join(folder, "deno.json"), { imports: { ...imports, ...read, [name]: specify(".") } });
    const imported = Object.keys({ ...imports, ...read }).map((name) => `import ${JSON.stringify(name)};\n`);
    await writeFile(join(folder, "peers.ts"), imported.join(""));
    await writeImporting(folder, specify, sources, names);
  }
  await mkdir(folders.bare);
  await writeJson(join(folders.bare, "package.json"), { type: "module", private: true });
  const { node, bun, deno, checkout } = folders;
  const [readme = []] = await Promise.all([node, bun, deno, checkout].map(writeReadme));
  const peers = findPackages(Object.keys(manifest.peerDependencies ?? {}));
  const imported = findPackages(README_IMPORTS);
  return { runtimes, node: once(findNode), manifest, sources, names, tarball, peers, imported, readme, folders };
}

/** What can be told without running it. */
function tryFiles({ runtimes, sources, tarball, folders }: Trial): Stages {
  const attw = ["--no-definitely-typed", "--format=ascii", "--no-emoji", "--no-color"];
  const steps: Step[] = [["files of the package", async () => {
    const faults = await findPackageFaults(join(folders.node, "node_modules/hawser"), [ROOT, folders.root]);
    if (faults.length > 0) throw new Error(faults.join("\n"));
  }]];
  if (sources["./browser"] !== undefined) steps.push(["esbuild, for browsers", () => bundleForBrowsers(folders.node)]);
  return {
    install: [
      ["publint", () => runTool("publint/src/cli.js", "run", tarball, "--strict")],
      // It is modules only: CommonJS gets them by a `require`, of which the oldest Node is capable.
      ["attw", () => runTool("@arethetypeswrong/cli/dist/index.js", tarball, "--profile=esm-only", ...attw)],
      ["deno publish, dry run", () => tryDenoPublish(runtimes.deno)],
    ],
    run: steps,
  };
}

/** What a page gets of the package imports nothing of a server's runtime, or esbuild would not find it. */
async function bundleForBrowsers(folder: string): Promise<void> {
  const contents = 'import { Client } from "hawser"; console.log(Client);';
  const stdin = { contents, resolveDir: folder };
  await bundle({ stdin, bundle: true, platform: "browser", format: "esm", write: false, logLevel: "silent" });
}

/** What would go to JSR: without a warning, and no tests nor tools among it. */
async function tryDenoPublish(deno: string): Promise<void> {
  const output = await run(deno, ["publish", "--dry-run", "--allow-dirty", "--node-modules-dir=manual"], {
    env: PLAIN,
  });
  const [said = "", list = ""] = output.split(/^Simulating publish.*$/m);
  const files = [...list.matchAll(/^\s+(file:\S+)/gm)].map(([, url = ""]) => fileURLToPath(url).slice(ROOT.length));
  const foreign = files.filter((file) => !/^(?:mod\.ts|src\/.+\.ts|deno\.json)$/.test(file) && !isDocument(file));
  if (files.length === 0) throw new Error("It would publish nothing");
  if (foreign.length > 0) {
    throw new Error(`It would publish ${foreign.length} files too many, as ${foreign.slice(0, 5).join(" ")}`);
  }
  if (/warning/i.test(said)) throw new Error(said);
}

/** A consumer's types, with what each Node declares, and with what an older TypeScript or a page has. */
function tryTypes({ node, names, readme, folders }: Trial): Stages {
  let projects = 0;
  const compile = async (options: object, files: readonly string[], tsc?: string): Promise<void> => {
    const project = join(folders.node, `tsconfig.${projects++}.json`);
    const compilerOptions = { strict: true, skipLibCheck: false, target: "es2022", noEmit: true, ...options };
    await writeJson(project, { compilerOptions, files });
    await run(process.execPath, [tsc ?? join(ROOT, "node_modules/typescript/bin/tsc"), "-p", project]);
  };
  const nodenext = { module: "nodenext", moduleResolution: "nodenext" };
  const bundler = { module: "esnext", moduleResolution: "bundler" };
  const lib = ["es2022", "dom", "dom.iterable"];
  const typesOf = async (version: string): Promise<object> => ({
    types: ["node"],
    typeRoots: [(await node(version)).types],
  });
  const [oldest] = NODE_VERSIONS;
  const typescript = once(findTypeScript);
  return {
    compile: [
      // What the Nodes run is compiled here, once.
      ...NODE_VERSIONS.flatMap((version): Step[] => [
        [`types, nodenext, node ${version} without DOM`, async () => {
          const emit = version === oldest ? { noEmit: false, outDir: join(folders.node, "compiled") } : {};
          const options = { ...nodenext, lib: ["es2023"], ...emit, ...await typesOf(version) };
          await compile(options, [...IMPORTING, ...readmeFiles(readme), "types.cts"]);
        }],
        [`types, bundler, node ${version}`, async () => {
          const stricter = { exactOptionalPropertyTypes: true, noPropertyAccessFromIndexSignature: true };
          await compile({ ...bundler, ...stricter, lib, ...await typesOf(version) }, IMPORTING);
        }],
      ]),
      ["types, bundler, DOM without node", async () => {
        const visible = new Map([...names].filter(([subpath]) => subpath === "." || subpath === "./browser"));
        await writeFile(join(folders.node, "dom.ts"), importEach(packageSpecifier("hawser"), visible));
        // The DOM's types have no `Symbol.asyncDispose`; Node's have.
        await compile({ ...bundler, lib: [...lib, "esnext.disposable"], types: [] }, ["dom.ts"]);
      }],
      ...Object.entries({ nodenext, bundler }).map(([name, options]): Step => [
        `types, ${name}, TypeScript ${OLDEST_TYPESCRIPT}`,
        async () => {
          await compile({ ...options, lib, ...await typesOf(oldest) }, IMPORTING, await typescript(OLDEST_TYPESCRIPT));
        },
      ]),
    ],
  };
}

function tryNode(trial: Trial): Stages {
  const { node, manifest, names, tarball, peers, imported, readme, folders: { node: folder, bare } } = trial;
  // Nothing but the tarball is needed, so nothing is fetched.
  const install = (prefix: string): Promise<string> =>
    run("npm", ["install", "--offline", "--engine-strict", "--no-audit", "--prefix", prefix, tarball]);
  return {
    install: [
      [
        `npm install ${manifest.name}`,
        () => install(folder).then(() => installPackages([...peers, ...imported], folder)),
      ],
      [`npm install ${manifest.name}, without what it may need`, () => install(bare)],
    ],
    run: Object.keys(manifest.peerDependencies ?? {}).map((peer): Step => [
      `node, without ${peer}`,
      () => expectMissing(peer, Object.keys(manifest.peerDependencies ?? {}), bare, [...names.keys()]),
    ]).concat(NODE_VERSIONS.flatMap((version) => {
      const start = async (file: string, line: string): Promise<void> =>
        expectLine(await run((await node(version)).command, [join(folder, file)]), line);
      return [
        [`node ${version}, import`, () => start("compiled/consumer.js", LINES.consumer)],
        [`node ${version}, hawser/node`, () => start("compiled/server_consumer.js", LINES.server_consumer)],
        [`node ${version}, hawser/xml`, () => start("compiled/xml_consumer.js", LINES.xml_consumer)],
        [`node ${version}, hawser/auth`, () => start("compiled/auth_consumer.js", LINES.auth_consumer)],
        [`node ${version}, every subpath`, () => start("compiled/subpaths.js", namesOn("node", names))],
        [`node ${version}, require`, () => start("required.cjs", LINES.required)],
        [`node ${version}, every subpath, required`, () => start("subpaths.cjs", namesOn("node", names))],
        [
          `node ${version}, the README`,
          async () => runReadme([(await node(version)).command], readme, join(folder, "compiled"), ".js"),
        ],
      ] satisfies Step[];
    })),
  };
}

/** From a registry, by an `npm:` specifier; from a `node_modules` that npm made; and from a checkout. */
function tryDeno({ runtimes: { deno }, manifest: { name }, names, readme, folders }: Trial, registry: string): Stages {
  // A cache of its own: the user's may have another package of that version, and is not to get this one.
  const env = { ...PLAIN, DENO_DIR: join(folders.root, "deno_cache"), NPM_CONFIG_REGISTRY: registry };
  // Without it the folder we are in would be the project, and its package.json the `npm:hawser` that is meant.
  const config = (folder: string): string => `--config=${join(folder, "deno.json")}`;
  const start = async (folder: string, file: string, line: string, ...flags: readonly string[]): Promise<void> =>
    expectLine(await run(deno, [...DENO_RUN, ...flags, join(folder, file)], { env }), line);
  const startAll = (title: string, folder: string): Step[] => [
    [title, () => start(folder, "consumer.ts", LINES.consumer, config(folder))],
    [`${title}, hawser/node`, () => start(folder, "server_consumer.ts", LINES.server_consumer, config(folder))],
    [`${title}, hawser/xml`, () => start(folder, "xml_consumer.ts", LINES.xml_consumer, config(folder))],
    // A store of users is a file.
    [
      `${title}, hawser/auth`,
      () =>
        start(
          folder,
          "auth_consumer.ts",
          LINES.auth_consumer,
          config(folder),
          "--allow-read",
          "--allow-write",
          "--allow-env",
        ),
    ],
    [`${title}, every subpath`, () => start(folder, "subpaths.ts", namesOn("deno", names), config(folder))],
    [`${title}, the README`, () => runReadme([deno, ...DENO_RUN, config(folder)], readme, folder, ".ts", env)],
  ];
  const filesIn = (folder: string, ...more: string[]): string[] =>
    [...IMPORTING, ...more].map((file) => join(folder, file));
  const files = filesIn(folders.deno);
  // What this finds stays in the folder's lock file, as after `deno add`.
  const cache = (folder: string): Promise<string> =>
    run(deno, ["cache", config(folder), ...filesIn(folder, "peers.ts", ...readmeFiles(readme))], { env });
  const manual = ["--node-modules-dir=manual", `--allow-read=${folders.root}`];
  return {
    install: [
      [`deno cache npm:${name}`, () => cache(folders.deno)],
      ["deno cache, from a checkout", () => cache(folders.checkout)],
    ],
    compile: [["types, deno, from npm", () => run(deno, ["check", config(folders.deno), ...files], { env })]],
    run: [
      ...startAll("deno, from npm", folders.deno),
      ["deno, node_modules, require", () => start(folders.node, "required.cjs", LINES.required, ...manual)],
      ...startAll("deno, from a checkout", folders.checkout),
    ],
  };
}

function tryBun({ runtimes: { bun }, manifest, names, tarball, peers, imported, readme, folders }: Trial): Stages {
  const env = { BUN_INSTALL_CACHE_DIR: join(folders.root, "bun_cache") };
  const start = async (file: string, line: string): Promise<void> =>
    expectLine(await run(bun, ["run", join(folders.bun, file)]), line);
  return {
    install: [[`bun add ${manifest.name}`, async () => {
      await run(bun, ["add", "--cwd", folders.bun, tarball], { env });
      await installPackages([...peers, ...imported], folders.bun);
    }]],
    run: [
      ["bun, import", () => start("consumer.ts", LINES.consumer)],
      ["bun, hawser/node", () => start("server_consumer.ts", LINES.server_consumer)],
      ["bun, hawser/xml", () => start("xml_consumer.ts", LINES.xml_consumer)],
      ["bun, hawser/auth", () => start("auth_consumer.ts", LINES.auth_consumer)],
      ["bun, every subpath", () => start("subpaths.ts", namesOn("bun", names))],
      ["bun, the README", () => runReadme([bun, "run"], readme, folders.bun, ".ts")],
      ["bun, require", () => start("required.cjs", LINES.required)],
      ["bun, every subpath, required", () => start("subpaths.cjs", namesOn("bun", names))],
    ],
  };
}

/** One subpath needs the peer, and says so by its name; all others load without it, or need another of `peers`. */
async function expectMissing(
  peer: string,
  peers: readonly string[],
  folder: string,
  subpaths: readonly string[],
): Promise<void> {
  const program = subpaths.map((subpath) => {
    const specifier = JSON.stringify(packageSpecifier("hawser")(subpath));
    return `await import(${specifier}).catch((error) => console.log(error.message.split("\\n")[0]));\n`;
  }).join("");
  const file = join(folder, `without_${peer}.mjs`);
  await writeFile(file, program);
  const lines = (await run(process.execPath, [file])).trim().split("\n");
  const [missing, others] = [`'${peer}'`, peers.map((other) => `'${other}'`)].map((names) =>
    lines.filter((line) => [names].flat().some((name) => line.startsWith(`Cannot find package ${name}`)))
  );
  if (missing!.length !== 1 || others!.length !== lines.length) throw new Error(lines.join("\n"));
}

type Readme = Trial["readme"];

function readmeFiles(readme: Readme): string[] {
  return readme.flatMap(({ name }) => [`${name}_server.ts`, `${name}_client.ts`]);
}

async function runReadme(
  command: readonly [file: string, ...args: string[]],
  readme: Readme,
  folder: string,
  ending: ".ts" | ".js",
  env?: Readonly<Record<string, string>>,
): Promise<void> {
  for (const { name, output } of readme) {
    const [server, client] = [join(folder, `${name}_server${ending}`), join(folder, `${name}_client${ending}`)];
    await runPair(command, [server, client], output, env);
  }
}

/** What the programs that go through every subpath have to print on a runtime. */
function namesOn(runtime: RuntimeName, names: Names): string {
  const fails = CANNOT_LOAD[runtime];
  const found = [...names].map(([subpath, there]) => [subpath, fails.includes(subpath) ? "does not load" : there]);
  return JSON.stringify(Object.fromEntries(found));
}

/** It and nothing else: a warning would be read by every user. */
function expectLine(output: string, line: string): void {
  if (output.trim() !== line) throw new Error(`It printed\n${output.trim()}\nand not\n${line}`);
}

/** A file of this checkout, as a program elsewhere has to write it. */
function sourceUrl(source: string): string {
  return pathToFileURL(join(ROOT, source)).href;
}

async function run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { ok, output, failure } = await runCommand(file, args, { timeout: TIMEOUT, ...options });
  if (!ok) throw new Error(`${failure}\n${output}`);
  return output;
}

function runTool(script: string, ...args: string[]): Promise<string> {
  return run(process.execPath, [join(ROOT, "node_modules", script), ...args]);
}

function writeJson(file: string, value: unknown): Promise<void> {
  return writeFile(file, `${JSON.stringify(value)}\n`);
}

/** The same promise for the same argument: steps at the same time are not to install the same thing twice. */
function once<T>(make: (argument: string) => Promise<T>): (argument: string) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (argument) => {
    const promise = made.get(argument) ?? make(argument);
    made.set(argument, promise);
    return promise;
  };
}
