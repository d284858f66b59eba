import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

import { startRegistry } from "../../scripts/local_registry.ts";

it("serves its packages as a registry would, and nothing else", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hawser-"));
  try {
    const tarball = join(folder, "a.tgz");
    await writeFile(tarball, "not really a tarball");
    const registry = await startRegistry([
      [{ name: "hawser", version: "1.2.3" }, tarball],
      [{ name: "@its/peer", version: "4.5.6" }, tarball],
    ]);
    try {
      const document = await (await fetch(new URL("hawser", registry.url))).json();
      expect(document).toMatchObject({ name: "hawser", "dist-tags": { latest: "1.2.3" } });
      const { dist, version } = document.versions["1.2.3"];
      expect(version).toBe("1.2.3");
      const bytes = new Uint8Array(await (await fetch(dist.tarball)).arrayBuffer());
      expect(new TextDecoder().decode(bytes)).toBe("not really a tarball");
      expect(dist.integrity).toBe(`sha512-${createHash("sha512").update(bytes).digest("base64")}`);
      const scoped = await (await fetch(new URL("@its%2fpeer", registry.url))).json();
      expect(scoped.versions["4.5.6"].dist.tarball).toBe(`${registry.url}@its/peer/-/peer-4.5.6.tgz`);
      expect((await fetch(scoped.versions["4.5.6"].dist.tarball)).status).toBe(200);
      const other = await fetch(new URL("ws", registry.url));
      expect([other.status, await other.json()]).toEqual([404, { error: "not found" }]);
    } finally {
      registry.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
