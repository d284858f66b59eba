import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, it } from "vitest";
import { ROOT } from "../../scripts/command.ts";
import { basicAuth } from "../../src/adapters/auth/mod.ts";
import { issuedJwt, jwtAuth } from "../../src/peers/jose.ts";
import { ldapUserStore } from "../../src/peers/ldapts.ts";
import { introspectionAuth, oauth2Grant } from "../../src/peers/oauth2.ts";

const SECRET = "s3cret of thirty-two bytes, and of a few more";

it("nobody who prints an object of ours sees a secret", () => {
  const users = ldapUserStore({
    url: "ldaps://a.test",
    userSearchBase: "dc=test",
    connectionName: "cn=a",
    connectionPassword: SECRET,
  });
  const client = { clientId: "app", clientSecret: SECRET };
  const made = {
    users,
    basic: basicAuth({ users }),
    jwt: jwtAuth({ key: { secret: SECRET } }),
    issued: issuedJwt({ key: { secret: SECRET } }),
    introspection: introspectionAuth({ ...client, url: "https://a.test/" }),
    grant: oauth2Grant({
      ...client,
      grant: "password",
      tokenUrl: "https://a.test/",
      username: "ada",
      password: SECRET,
    }),
  };
  for (const [name, object] of Object.entries(made)) {
    const shown = `${inspect(object, { depth: 10, showHidden: true })} ${JSON.stringify(object)}`;
    expect([name, shown.includes("s3cret")]).toEqual([name, false]);
  }
});

it("no private key is kept in the repository: tests make theirs", () => {
  const found: string[] = [];
  for (const folder of ["bench", "docs", "examples", "scripts", "src", "tests"]) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) continue;
      const text = readFileSync(path, "latin1");
      if (/-----BEGIN [A-Z ]*PRIVATE KEY-----\s*(\\n)?[A-Za-z\d+/=]{40}/.test(text)) found.push(path);
      if (/\.(pem|key|p12|pfx|der)$/.test(entry.name)) found.push(path);
    }
  }
  expect(found).toEqual([]);
});
