/** A registry of a few npm packages, on a port of this machine: for a runtime that installs from registries only. */

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

/** Serves the packages of those manifests from their tarballs. Anything else is not found. */
export async function startRegistry(packages: readonly (readonly [Published, string])[]): Promise<LocalRegistry> {
  const tarballs = new Map<string, Uint8Array>();
  const documents = new Map<string, (url: string) => object>();
  for (const [manifest, tarball] of packages) {
    const bytes = await readFile(tarball);
    const { name, version } = manifest;
    const file = `/${name}/-/${name.split("/").at(-1)}-${version}.tgz`;
    tarballs.set(file, bytes);
    documents.set(`/${name}`, (url) => ({
      name,
      "dist-tags": { latest: version },
      versions: {
        [version]: {
          ...manifest,
          dist: {
            tarball: new URL(file, url).href,
            integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}`,
            shasum: createHash("sha1").update(bytes).digest("hex"),
          },
        },
      },
      time: { created: PUBLISHED, modified: PUBLISHED, [version]: PUBLISHED },
    }));
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    const [bytes, document] = [tarballs.get(path), documents.get(path)];
    if (bytes !== undefined) {
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
    } else if (document !== undefined) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document(url)));
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
