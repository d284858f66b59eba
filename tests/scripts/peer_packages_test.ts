import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { findPackages, installPackages, packPackages } from "../../scripts/peer_packages.ts";

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-"));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the packages of subpaths", () => {
  it("come with what they depend on, each once", () => {
    const names = findPackages(["fast-xml-parser", "strnum"]).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["fast-xml-parser", "strnum", "@nodable/entities"]));
    expect(new Set(names).size).toBe(names.length);
    expect(() => findPackages(["there-is-no-such-package"])).toThrow('"there-is-no-such-package" is not installed');
  });

  it("are copied, and packed", () =>
    inFolder(async (folder) => {
      const scoped = findPackages(["@nodable/entities"]);
      await installPackages(scoped, folder);
      const copy = await readFile(join(folder, "node_modules/@nodable/entities/package.json"), "utf8");
      expect(JSON.parse(copy)).toMatchObject({ version: scoped[0]!.version });
      const all = [...scoped, ...findPackages(["strnum"])];
      const tarballs = await packPackages(all, folder);
      expect(new Set(tarballs).size).toBe(all.length);
      for (const tarball of tarballs) expect((await stat(tarball)).size).toBeGreaterThan(1_000);
    }));
});
