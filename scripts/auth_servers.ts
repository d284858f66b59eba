/**
 * What TLS and authentication are tested against, for a person to try by hand, with a command for each: OpenLDAP's `slapd`, the
 * OAuth 2.0 server `oidc-provider` behind TLS, a key set that rotates, and a listener with TLS. Ends with its input.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

import { Listener } from "../mod.ts";
import { makeCertificates } from "../tests/support/certificates.ts";
import { startDirectory } from "../tests/support/directory.ts";
import { startKeyServer } from "../tests/support/key_server.ts";
import { startOidcServer } from "../tests/support/oidc_server.ts";

/** What has to be closed at the end, the last one first. */
const closing: (() => unknown)[] = [];
const folder = mkdtempSync(join(tmpdir(), "hawser-servers-"));
closing.push(() => rmSync(folder, { recursive: true }));
try {
  await serve();
} finally {
  for (const close of closing.reverse()) await close();
}

async function serve(): Promise<void> {
  const directory = await startDirectory();
  closing.push(() => directory.close());
  const oidc = await startOidcServer();
  closing.push(() => oidc.close());
  const keys = await startKeyServer();
  closing.push(() => keys.close());
  const { ca, cert, key } = makeCertificates();
  const listener = new Listener(0, { host: "127.0.0.1", secureSocket: { key: { certFile: cert, keyFile: key } } });
  closing.push(() => listener.immediateStop());
  listener.attach("/", { get: () => ({ onMessage: (_caller, message) => message }) });
  await listener.start();

  const bob = "uid=bob,ou=people,dc=test:bob-secret";
  const ada = `${directory.secureUrl}/ou=people,dc=test?uid,cn?sub?(uid=ada)`;
  const asked = "-d grant_type=client_credentials -d scope=write";
  const name = `localhost:${listener.port}`;
  console.log(`slapd: ${directory.secureUrl}, and with StartTLS ${directory.url}
  curl --cacert ${file("ldap.pem", directory.ca)} -u ${bob} '${ada}'
oidc-provider: ${oidc.url}
  curl --cacert ${file("oidc.pem", oidc.ca)} -u app:app-secret ${asked} ${oidc.url}/token
JWKS: ${keys.url}
  curl ${keys.url}
a token of its key: ${await keys.sign()}
TLS: wss://${name}/
  openssl s_client -connect ${name} -CAfile ${file("tls.pem", ca)} -tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384
Enter: the key set gets another key. Ctrl-D or Ctrl-C: the end.`);

  const input = createInterface({ input: process.stdin });
  input.on("line", async () => {
    await keys.rotate(crypto.randomUUID());
    console.log(`a token of its other key: ${await keys.sign()}`);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => input.close());
  await new Promise<void>((resolve) => input.once("close", resolve));
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}
