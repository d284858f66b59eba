/** The rows A1 and A5 of the acceptance table, as far as they are about an LDAP directory: OpenLDAP. */

import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { connect as connectTcp } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InvalidHandshakeError, type Listener } from "../../mod.ts";
import { basicAuth } from "../../src/adapters/auth/mod.ts";
import { type LdapOptions, ldapUserStore } from "../../src/peers/ldapts.ts";
import { needs } from "../interop/support/needs.ts";
import { type Directory, startDirectory } from "../support/directory.ts";
import { onSockets } from "../support/on_sockets.ts";

const { listen, connect, whenOver } = onSockets();

let directory: Directory;
beforeAll(() => needs("slapd", async () => void (directory = await startDirectory()))(), 30_000);
afterAll(() => directory?.close());

const errors: unknown[] = [];

async function guarded(options: Partial<LdapOptions> = {}, scopes?: string): Promise<Listener> {
  errors.length = 0;
  const users = ldapUserStore({
    url: directory.secureUrl,
    tls: { ca: directory.ca },
    connectionName: "uid=bob,ou=people,dc=test",
    connectionPassword: "bob-secret",
    userSearchBase: "ou=people,dc=test",
    groupSearchBase: "ou=groups,dc=test",
    ...options,
  });
  whenOver(() => users.close());
  const auth = [basicAuth({ users, ...(scopes !== undefined && { scopes }) })];
  return await listen({ onTextMessage: (caller) => caller.auth }, {}, { auth, onError: (error) => errors.push(error) });
}

async function status(listener: Listener, username: string, password = `${username}-secret`): Promise<number> {
  try {
    const client = await connect(listener.url, { auth: { username, password } });
    await client.close();
    return 101;
  } catch (error) {
    if (!(error instanceof InvalidHandshakeError)) throw error;
    return error.status;
  }
}

describe("users in an LDAP directory", () => {
  it(
    "A5: who has the password is let in, with groups as scopes",
    needs("slapd", async () => {
      const listener = await guarded({}, "write");
      const client = await connect(listener.url, { auth: { username: "ada", password: "ada-secret" } });
      await client.writeTextMessage("who");
      const { scopes, ...identity } = JSON.parse(await client.readTextMessage());
      expect([identity, scopes.sort()]).toEqual([{ subject: "ada", claims: {} }, ["read", "write"]]);
      expect(await status(listener, "zoë")).toBe(101);
      expect(await status(listener, "bob")).toBe(403);
      for (
        const [name, password] of [["ada", "bob-secret"], ["eve", "eve-secret"], ["ada", "ada-secret "], [
          "",
          "x",
        ]] as const
      ) {
        expect([name, await status(listener, name, password)]).toEqual([name, 401]);
      }
      expect(errors).toEqual([]);
    }),
  );

  it(
    "A5: begins with TLS where it is asked to",
    needs("slapd", async () => {
      const listener = await guarded({ url: directory.url, startTls: true });
      expect([await status(listener, "ada"), await status(listener, "ada", "wrong"), await status(listener, "ada")])
        .toEqual(
          [101, 401, 101],
        );
      expect(errors).toEqual([]);
    }),
  );

  it(
    "A1: a password that is empty is none, though the directory would take it",
    needs("slapd", async () => {
      expect(await status(await guarded(), "ada", "")).toBe(401);
    }),
  );

  it(
    "A1: whatever a name has in it is looked for, and nothing else",
    needs("slapd", async () => {
      const listener = await guarded();
      for (const name of ["a*", "eve(x)", "x\\y", "zoë"]) {
        expect([name, await status(listener, name)]).toEqual([name, 101]);
      }
      // With the password of the one that each of them would find if it were part of the filter.
      for (
        const name of [
          "ad*",
          "*",
          "ada)(uid=*",
          "*)(objectClass=*",
          "ada)(|(uid=*",
          "\\61da",
          "ada\\2a",
          "(uid=ada)",
          "{username}",
        ]
      ) {
        expect([name, await status(listener, name, "ada-secret")]).toEqual([name, 401]);
      }
      expect(errors).toEqual([]);
    }),
  );

  it(
    "A1: the filter and the names are the user's to say; two of one name are nobody",
    needs("slapd", async () => {
      const options = {
        userFilter: "(&(objectClass=inetOrgPerson)(|(cn={username})(mail={username})))",
        userNameAttribute: "cn",
      };
      const listener = await guarded(options);
      expect(await status(listener, "twin")).toBe(101);
      expect(await status(listener, "same@test", "twin-secret")).toBe(401);
      const groups = await guarded({ groupFilter: "(&(member={dn})(cn=read))" }, "write");
      expect(await status(groups, "ada")).toBe(403);
      expect(await status(await guarded({ groupSearchBase: undefined } as object, "write"), "ada")).toBe(403);
    }),
  );

  it(
    "A1: many at once, with few connections, which are used again",
    needs("slapd", async () => {
      const relay = await relayTo(directory.securePort, "ldaps");
      const listener = await guarded({ url: relay.url, maxConcurrentChecks: 2 });
      const all = Array.from(
        { length: 12 },
        (_, i) => status(listener, i % 3 === 0 ? "bob" : "ada", i % 2 === 0 ? undefined : "no"),
      );
      expect(await Promise.all(all)).toEqual(Array.from({ length: 12 }, (_, i) => i % 2 === 0 ? 101 : 401));
      expect(relay.connections()).toBeLessThanOrEqual(4);
      expect(errors).toEqual([]);
    }),
  );

  it(
    "A1: connections that the directory has cut are made anew",
    needs("slapd", async () => {
      const relay = await relayTo(directory.securePort, "ldaps");
      const listener = await guarded({ url: relay.url });
      expect([await status(listener, "ada"), await status(listener, "ada"), relay.connections()]).toEqual([
        101,
        101,
        2,
      ]);
      relay.cut();
      // Nobody may have noticed yet: then it is a 503 once.
      await expect.poll(() => status(listener, "ada")).toBe(101);
      expect([await status(listener, "ada", "wrong"), await status(listener, "bob")]).toEqual([401, 101]);
    }),
  );

  it(
    "A1: no password goes without TLS, whenever the directory cuts a connection",
    needs("slapd", async () => {
      const relay = await relayTo(directory.port);
      const listener = await guarded({ url: relay.url, startTls: true, timeout: 1 });
      const logins = Array.from({ length: 20 }, () => status(listener, "ada"));
      for (const login of logins) {
        await login;
        relay.cut();
      }
      expect(await status(listener, "ada")).toBe(101);
      expect(relay.heard()).toContain("1.3.6.1.4.1.1466.20037");
      expect(relay.heard()).not.toContain("secret");
    }),
  );

  it.each<[string, () => Promise<Partial<LdapOptions>>]>([
    ["is not there", () => Promise.resolve({ url: "ldaps://127.0.0.1:1" })],
    ["never answers", async () => ({ url: (await relayTo(undefined)).url, startTls: true })],
    ["agrees to TLS, and never begins", async () => ({ url: await halfHearted(), startTls: true })],
    ["never answers, in plain", async () => ({ url: (await relayTo(undefined)).url, allowInsecureConnection: true })],
    ["has a certificate that nobody knows", () => Promise.resolve({ tls: {} })],
    [
      "has a certificate that nobody knows, once TLS begins",
      () => Promise.resolve({ url: directory.url, startTls: true, tls: {} }),
    ],
    [
      "has a certificate for another name",
      async () => ({ url: (await relayTo(directory.securePort, "ldaps", "127.0.0.2")).url }),
    ],
    ["does not know the store", () => Promise.resolve({ connectionPassword: "wrong-secret" })],
    ["has no such place", () => Promise.resolve({ userSearchBase: "ou=nowhere,dc=test" })],
  ])(
    "A1: a directory that %s: 503 in time, reported without a secret",
    (_what, optionsOf) =>
      needs("slapd", async () => {
        const listener = await guarded({ timeout: 1, ...await optionsOf() });
        const started = performance.now();
        expect(await status(listener, "ada")).toBe(503);
        expect(performance.now() - started).toBeLessThan(4_000);
        expect(errors).toEqual([expect.objectContaining({ name: "AuthError", cause: expect.anything() })]);
        const shown = inspect(errors[0], { depth: 10, showHidden: true });
        expect(shown).toMatch(/Cannot check the user: the directory at \S+ cannot be asked/);
        expect(shown).not.toMatch(/\w+-secret/);
      })(),
  );
});

/** A directory that answers whatever it is asked with the success of an extended operation (RFC 4511 §4.12), once. */
async function halfHearted(): Promise<string> {
  const server = createServer((socket) => {
    whenOver(() => socket.destroy());
    socket.on("error", () => {});
    socket.once("data", (request) => {
      const [messageId = 0] = request.subarray(4);
      socket.write(Uint8Array.of(0x30, 12, 2, 1, messageId, 0x78, 7, 10, 1, 0, 4, 0, 4, 0));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(() => server.close());
  return `ldap://localhost:${(server.address() as AddressInfo).port}`;
}

/** Passes bytes on to a port of this machine, or swallows them, and hears what is not encrypted. */
async function relayTo(port: number | undefined, scheme = "ldap", host = "localhost") {
  const sockets = new Set<Socket>();
  let count = 0;
  let heard = "";
  const server = createServer((near) => {
    count++;
    sockets.add(near);
    near.on("error", () => {});
    near.on("data", (data) => heard += Buffer.from(data).toString("latin1"));
    if (port === undefined) return;
    const far = connectTcp(port, "127.0.0.1");
    sockets.add(far);
    far.on("error", () => near.destroy());
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, host === "localhost" ? "127.0.0.1" : host, resolve));
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  whenOver(() => {
    cut();
    server.close();
  });
  const { port: own } = server.address() as AddressInfo;
  return { url: `${scheme}://${host}:${own}`, cut, heard: () => heard, connections: () => count };
}
