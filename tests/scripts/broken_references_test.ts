import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

import { findBrokenReferences } from "../../scripts/broken_references.ts";

const made: string[] = [];

afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true });
});

/** A project of these files and one npm script, `check`. */
async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "hawser-"));
  made.push(root);
  for (const [path, text] of Object.entries({ "package.json": '{"scripts":{"check":"true"}}', ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

describe("findBrokenReferences", () => {
  it("finds nothing where everything is there", async () => {
    const root = await project({
      "README.md": "[a](docs/a.md#the-second-part) [web](https://example.com/x.md) `src/a.ts` npm run check\n",
      "docs/a.md": "# A\n\n## The *second* part\n\n[up](../README.md) [here](#a)\n\n[by name]\n\n[by name]: a.md\n",
      "src/a.ts": "",
      "node_modules/x/README.md": "[gone](gone.md)\n",
    });
    expect(await findBrokenReferences(root)).toEqual([]);
  });

  it("names a link, a heading, a path and a script that are not there", async () => {
    const root = await project({
      "README.md": "[a](docs/b.md) [b](docs/a.md#part) see src/b.ts, npm run chek\n",
      "docs/a.md": "# A\n\n```md\n## Part\n[not a link](c.md)\n```\n\n[d]: d.md\n",
    });
    expect(await findBrokenReferences(root)).toEqual([
      'README.md: "docs/b.md" does not exist',
      'README.md: "docs/a.md" has no heading "#part"',
      'README.md: there is no npm script "chek"',
      'docs/a.md: "d.md" does not exist',
      'README.md: "src/b.ts" does not exist',
    ]);
  });
});
