/** Keys, certificates and stores in the files of a folder, made for one test file: none is kept anywhere. */

import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { type Identity, LOCAL, makeAuthority } from "./certificates.ts";
import { encryptedKey, pkcs12Store } from "./pkcs12_store.ts";

/** What opens the encrypted key and the stores. */
export const PASSWORD = "s3cret of the tests";

export interface TlsFiles {
  /** The path of a file by its name. */
  file(name: string): string;
  /** The text of a file by its name. */
  pem(name: string): string;
  /** Writes one more. */
  write(name: string, data: string | Uint8Array): string;
  /** The certificate of the authority that all trust, in PEM. */
  readonly ca: string;
  /** For localhost. */
  readonly server: Identity;
  /** The option `key` of an identity by its name. */
  key(name: string): { readonly certFile: string; readonly keyFile: string };
}

/**
 * `ca.pem` and `other_ca.pem`; of each identity `<name>.pem` and `<name>.key`: `server` and `renewed` (localhost), `elsewhere`
 * (other.test), `expired`, `client` (ada), `stranger` (eve, of the other authority); `server.enc.key`, `server.p12`,
 * `client.p12` and `trust.p12`, all of which `PASSWORD` opens; and `garbage`. To be called once at the top of a test file.
 */
export function makeTlsFiles(): TlsFiles {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "hawser-tls-")));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string): string => join(folder, name);
  const write = (name: string, data: string | Uint8Array): string => {
    writeFileSync(file(name), data);
    return file(name);
  };

  const authority = makeAuthority();
  const other = makeAuthority("another authority");
  const [yesterday, before] = [Date.now() - 24 * 3_600_000, Date.now() - 48 * 3_600_000];
  const local = { subject: [["CN", "localhost"]], names: LOCAL } as const;
  const ada = { subject: [["O", "Acme"], ["CN", "ada"]], names: ["DNS:ada.test", "email:ada@acme.test"] } as const;
  const identities = {
    server: authority.issue(local),
    renewed: authority.issue(local),
    elsewhere: authority.issue({ subject: [["CN", "other.test"]], names: ["DNS:other.test"] }),
    expired: authority.issue({ ...local, from: before, to: yesterday }),
    client: authority.issue(ada),
    stranger: other.issue({ subject: [["CN", "eve"]], names: ["DNS:eve.test"] }),
  };
  write("ca.pem", authority.ca);
  write("other_ca.pem", other.ca);
  for (const [name, { cert, key }] of Object.entries(identities)) {
    write(`${name}.pem`, cert);
    write(`${name}.key`, key);
  }
  const { server, client } = identities;
  write("server.enc.key", encryptedKey(server.key, PASSWORD));
  write("server.p12", pkcs12Store({ key: server.key, certificates: [authority.ca, server.cert] }, PASSWORD));
  write("client.p12", pkcs12Store({ key: client.key, certificates: [client.cert] }, PASSWORD));
  write("trust.p12", pkcs12Store({ certificates: [other.ca, authority.ca] }, PASSWORD));
  write("garbage", Uint8Array.from({ length: 300 }, (_, i) => (i * 89) % 251));
  return {
    file,
    pem: (name) => readFileSync(file(name), "utf8"),
    write,
    ca: authority.ca,
    server,
    key: (name) => ({ certFile: file(`${name}.pem`), keyFile: file(`${name}.key`) }),
  };
}
