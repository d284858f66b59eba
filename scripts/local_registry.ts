/** A registry of one npm package, on a port of this machine: for a runtime that installs from registries only. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A registry that answers. */
export interface LocalRegistry {
  /** For `NPM_CONFIG_REGISTRY`. */
  readonly url: string;
  close(): void;
}

/** What the manifest has to say for itself. */
interface Published {
  readonly name: string;
  readonly version: string;
}

/** Long ago, for runtimes that do not take a package in its first days. */
const PUBLISHED = "2026-01-01T00:00:00.000Z";

/** Serves the package of that manifest from its tarball. Anything else is not found. */
export async function startRegistry(manifest: Published, tarball: string): Promise<LocalRegistry> {
  const bytes = await readFile(tarball);
  const { name, version } = manifest;
  const file = `/${name}/-/${name}-${version}.tgz`;
  const server = createServer((request, response) => {
    if (request.url === file) {
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
    } else if (request.url === `/${name}`) {
      const dist = {
        tarball: new URL(file, url).href,
        integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}`,
        shasum: createHash("sha1").update(bytes).digest("hex"),
      };
      const document = {
        name,
        "dist-tags": { latest: version },
        versions: { [version]: { ...manifest, dist } },
        time: { created: PUBLISHED, modified: PUBLISHED, [version]: PUBLISHED },
      };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
    } else {
      response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not found"}');
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
