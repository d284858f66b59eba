/** An LDAP directory: OpenLDAP's `slapd` on free ports, with a temporary folder, gone when it is closed. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { commandPath, SYSTEM_PACKAGES } from "../../scripts/system_packages.ts";
import { makeCertificates } from "./certificates.ts";

export interface Directory {
  /** `ldap:`, where TLS can be begun, and `ldaps:`. */
  readonly url: string;
  readonly secureUrl: string;
  /** Of who signed its certificate. */
  readonly ca: string;
  /** Where they are, for a relay in between. */
  readonly port: number;
  readonly securePort: number;
  close(): Promise<void>;
}

/** Everybody below `dc=test`: users with the password `<name>-secret`, and groups. */
const ENTRIES = `dn: dc=test
objectClass: dcObject
objectClass: organization
o: test
dc: test

dn: ou=people,dc=test
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=test
objectClass: organizationalUnit
ou: groups

${["ada", "bob", "zoë", "a*", "eve(x)", "x\\y"].map(personOf).join("\n")}
dn: cn=twin,ou=people,dc=test
objectClass: inetOrgPerson
cn: twin
sn: twin
mail: same@test
userPassword: twin-secret

dn: cn=twin2,ou=people,dc=test
objectClass: inetOrgPerson
cn: twin2
sn: twin
mail: same@test
userPassword: twin-secret

dn: cn=write,ou=groups,dc=test
objectClass: groupOfNames
cn: write
member: uid=ada,ou=people,dc=test
member: uid=zo\\C3\\AB,ou=people,dc=test

dn: cn=read,ou=groups,dc=test
objectClass: groupOfNames
cn: read
member: uid=ada,ou=people,dc=test
member: uid=bob,ou=people,dc=test
`;

function personOf(name: string): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const escaped = name.replace(
    /[^\w]/g,
    (char) => [...Buffer.from(char)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  return `dn: uid=${escaped},ou=people,dc=test
objectClass: inetOrgPerson
uid:: ${base64(name)}
cn:: ${base64(name)}
sn:: ${base64(name)}
userPassword:: ${base64(`${name}-secret`)}
`;
}

export async function startDirectory(): Promise<Directory> {
  const slapd = commandPath("slapd");
  if (slapd === undefined) throw new Error(`slapd is missing (Debian: ${SYSTEM_PACKAGES.slapd})`);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "hawser-directory-")));
  const file = (name: string): string => join(folder, name);
  const { ca, cert, key } = makeCertificates();
  mkdirSync(file("db"));
  for (
    const [name, text] of Object.entries({ "ca.pem": ca, "cert.pem": cert, "key.pem": key, "entries.ldif": ENTRIES })
  ) {
    writeFileSync(file(name), text);
  }
  writeFileSync(
    file("slapd.conf"),
    `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${file("slapd.pid")}
TLSCACertificateFile ${file("ca.pem")}
TLSCertificateFile ${file("cert.pem")}
TLSCertificateKeyFile ${file("key.pem")}
database mdb
suffix "dc=test"
rootdn "cn=admin,dc=test"
rootpw admin-secret
directory ${file("db")}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="uid=bob,ou=people,dc=test" read by * none
`,
  );
  const added = spawnSync(slapd, ["-T", "add", "-f", file("slapd.conf"), "-l", file("entries.ldif")], {
    encoding: "utf8",
  });
  if (added.status !== 0) throw new Error(`slapadd failed: ${added.stderr}`);

  const [port, securePort] = [await freePort(), await freePort()];
  const urls = `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${securePort}/`;
  const child = spawn(slapd, ["-d", "0", "-f", file("slapd.conf"), "-h", urls], { stdio: "ignore" });
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  for (const each of [port, securePort]) await untilOpen(each, child);
  return {
    url: `ldap://localhost:${port}`,
    secureUrl: `ldaps://localhost:${securePort}`,
    ca,
    port,
    securePort,
    async close() {
      child.kill("SIGKILL");
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`slapd ended with ${child.exitCode}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
}
