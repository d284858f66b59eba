import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

import { findPackageFaults } from "../../scripts/package_faults.ts";

const made: string[] = [];

afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true });
});

const MANIFEST = {
  name: "hawser",
  exports: { ".": { types: "./types/mod.d.ts", default: "./esm/mod.js" }, "./package.json": "./package.json" },
};

/** A package without a fault: an entry that exports what another module has. */
const GOOD: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify(MANIFEST),
  "README.md": "",
  "LICENSE": "",
  "CHANGELOG.md": "",
  "src/mod.ts": "",
  "src/src/a.ts": "",
  "esm/mod.js": '// import "./gone.ts"\nexport {\n  a,\n} from "./src/a.js";\n//# sourceMappingURL=mod.js.map',
  "esm/mod.js.map": '{"sourceRoot":"","sources":["../src/mod.ts"]}',
  "esm/src/a.js": "export const a = 1;\n//# sourceMappingURL=a.js.map\n",
  "esm/src/a.js.map": '{"sources":["../../src/src/a.ts"]}',
  "types/mod.d.ts": 'export { a } from "./src/a.js";\n//# sourceMappingURL=mod.d.ts.map',
  "types/mod.d.ts.map": '{"sources":["../src/mod.ts"]}',
  "types/src/a.d.ts": "export declare const a = 1;\n//# sourceMappingURL=a.d.ts.map",
  "types/src/a.d.ts.map": '{"sources":["../../src/src/a.ts"]}',
};

/** The faults of the good package with some files changed, or absent when they are undefined. */
async function faultsWith(changes: Readonly<Record<string, string | undefined>>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-"));
  made.push(folder);
  for (const [path, text] of Object.entries({ ...GOOD, ...changes })) {
    if (text === undefined) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return findPackageFaults(folder, ["/home/somebody/"]);
}

describe("findPackageFaults", () => {
  it("finds nothing in a good package", async () => {
    expect(await faultsWith({})).toEqual([]);
  });

  it.each([
    ["LICENSE", undefined, "LICENSE is missing"],
    ["esm/tests/a.js.map", '{"sources":["../../src/mod.ts"]}', "esm/tests/a.js.map does not belong into the package"],
    ["src/src/a_test.ts", "", "src/src/a_test.ts does not belong into the package"],
    ["src/_dnt.polyfills.ts", "", "src/_dnt.polyfills.ts does not belong into the package"],
    ["esm/package.json", "{}", "esm/package.json does not belong into the package"],
    ["README.md", "see /home/somebody/hawser", "README.md names /home/somebody/"],
    ["esm/src/a.js", "export const a = 1;\n", "esm/src/a.js has no source map"],
    ["esm/src/a.js.map", undefined, "esm/src/a.js has no source map"],
    ["esm/src/a.js.map", '{"sources":[]}', "esm/src/a.js.map names no source"],
    ["esm/src/a.js.map", '{"sources":["../a.ts"]}', 'esm/src/a.js.map names the source "../a.ts", not there'],
    ["esm/src/a.js.map", '{"sources":["/src/a.ts"]}', 'esm/src/a.js.map names the source "/src/a.ts", not there'],
    [
      "esm/src/a.js.map",
      '{"sourceRoot":"file:///a/","sources":["../../src/src/a.ts"]}',
      "esm/src/a.js.map has a root: file:///a/",
    ],
  ])("finds what is wrong with %s", async (file, text, fault) => {
    expect(await faultsWith({ [file]: text })).toEqual([fault]);
  });

  it("finds commands that are no programs", async () => {
    const fault = (path: string): string => `The command "a" leads to ${path}, which is no program`;
    for (const path of ["./esm/gone.js", "./esm/src/a.js"]) {
      const manifest = JSON.stringify({ ...MANIFEST, bin: { a: path } });
      expect(await faultsWith({ "package.json": manifest })).toEqual([fault(path)]);
    }
    const program = `#!/usr/bin/env node\n${GOOD["esm/src/a.js"]}`;
    const manifest = JSON.stringify({ ...MANIFEST, bin: { a: "./esm/src/a.js" } });
    expect(await faultsWith({ "package.json": manifest, "esm/src/a.js": program })).toEqual([]);
  });

  it("finds imports that lead nowhere, several of them in a line", async () => {
    const js = GOOD["esm/mod.js"]!.replace("./src/a.js", "./src/b.js");
    expect(await faultsWith({ "esm/mod.js": js })).toEqual(['esm/mod.js imports "./src/b.js", not there']);
    const types = 'export type T = [typeof import("./src/a.js"), typeof import("./src/a.ts")];\n';
    const text = `${types}//# sourceMappingURL=mod.d.ts.map`;
    expect(await faultsWith({ "types/mod.d.ts": text })).toEqual(['types/mod.d.ts imports "./src/a.ts", not there']);
  });

  it("finds what not everybody has, outside of the files that are for it", async () => {
    const js = (specifier: string): string => `import "${specifier}";\n//# sourceMappingURL=a.js.map`;
    expect(await faultsWith({ "esm/src/a.js": js("jose") })).toEqual([
      'esm/src/a.js imports "jose", which not everybody has',
    ]);
    expect(await faultsWith({ "esm/src/a.js": js("node:net") })).toEqual([]);
    const map = '{"sources":["../../../src/src/a.ts"]}';
    expect(await faultsWith({ "esm/src/peers/a.js": js("jose"), "esm/src/peers/a.js.map": map })).toEqual([]);
  });

  it("finds what is wrong with the manifest", async () => {
    const manifest = {
      ...MANIFEST,
      exports: { ".": { default: "./esm/mod.js", types: "./types/gone.d.ts" } },
      dependencies: { ws: "8" },
      peerDependencies: { jose: "6", "fast-xml-parser": "5" },
      peerDependenciesMeta: { "fast-xml-parser": { optional: true } },
      private: true,
    };
    expect(await faultsWith({ "package.json": JSON.stringify(manifest) })).toEqual([
      '"." leads to ./types/gone.d.ts (types), not there',
      '"." does not have its types first',
      'package.json asks everybody for "jose"',
      'package.json has "dependencies"',
      'package.json has "private"',
    ]);
  });
});
