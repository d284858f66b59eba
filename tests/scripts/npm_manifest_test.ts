import { describe, expect, it } from "vitest";

import { makeManifest, type OwnPackage } from "../../scripts/npm_manifest.ts";

const OWN: OwnPackage = {
  name: "hawser",
  version: "1.2.3",
  description: "WebSocket",
  license: "MIT",
  engines: { node: ">=20.19" },
};

describe("makeManifest", () => {
  it("has every subpath, with its types first, and says nothing of our tools", () => {
    const own = { ...OWN, private: true, scripts: { test: "x" }, devDependencies: { vitest: "4" } };
    const exports = { ".": "./mod.ts", "./node": "./src/adapters/node/mod.ts" };
    const manifest = makeManifest({ version: "1.2.3", exports }, own);
    expect(manifest).toEqual({
      ...OWN,
      type: "module",
      sideEffects: false,
      exports: {
        ".": { types: "./types/mod.d.ts", default: "./esm/mod.js" },
        "./node": { types: "./types/src/adapters/node/mod.d.ts", default: "./esm/src/adapters/node/mod.js" },
        "./package.json": "./package.json",
      },
      files: ["esm", "types", "src", "CHANGELOG.md"],
    });
    for (const conditions of [manifest.exports["."], manifest.exports["./node"]]) {
      expect(Object.keys(conditions!)).toEqual(["types", "default"]);
    }
  });

  it("has the commands, compiled", () => {
    const own = { ...OWN, bin: { "a-command": "./src/a_command.ts" } };
    const manifest = makeManifest({ version: "1.2.3", exports: { ".": "./mod.ts" } }, own);
    expect(manifest.bin).toEqual({ "a-command": "./esm/src/a_command.js" });
  });

  it("gives browsers their own entry, before everybody else's", () => {
    const exports = { ".": "./mod.ts", "./browser": "./src/page.ts" };
    const manifest = makeManifest({ version: "1.2.3", exports }, OWN);
    expect(Object.entries(manifest.exports["."]!)).toEqual([
      ["types", "./types/mod.d.ts"],
      ["browser", "./esm/src/page.js"],
      ["default", "./esm/mod.js"],
    ]);
    expect(manifest.exports["./browser"]).toEqual({ types: "./types/src/page.d.ts", default: "./esm/src/page.js" });
  });

  it("asks for the packages of subpaths, and not everybody for them", () => {
    const exports = { ".": "./mod.ts" };
    const manifest = makeManifest({ version: "1.2.3", exports, imports: { "a-peer": "npm:a-peer@^5.1.2" } }, OWN);
    expect(manifest.peerDependencies).toEqual({ "a-peer": "^5.1.2" });
    expect(manifest.peerDependenciesMeta).toEqual({ "a-peer": { optional: true } });
    for (const target of ["npm:another@^5", "npm:a-peer", "https://example.com/a.ts"]) {
      const make = (): unknown => makeManifest({ version: "1.2.3", exports, imports: { "a-peer": target } }, OWN);
      expect(make).toThrow(`"a-peer" of deno.json is ${target}, not a version`);
    }
  });

  it("refuses two versions, a package without an entry, and an entry that is not ours", () => {
    const make = (version: string, exports: Record<string, string>) => () => makeManifest({ version, exports }, OWN);
    expect(make("1.2.4", { ".": "./mod.ts" })).toThrow("deno.json has version 1.2.4, package.json 1.2.3");
    expect(make("1.2.3", { "./node": "./node.ts" })).toThrow('deno.json exports no "."');
    expect(make("1.2.3", { ".": "./mod.js" })).toThrow('"./mod.js" is no TypeScript file of the repository');
  });
});
