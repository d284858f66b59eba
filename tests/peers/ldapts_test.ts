import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import {
  BusyError,
  Client,
  ConstraintViolationError,
  InappropriateAuthError,
  InvalidCredentialsError,
  NoSuchObjectError,
  UnwillingToPerformError,
} from "ldapts";
import { afterEach, expect, it, vi } from "vitest";

import { AuthError } from "../../src/errors.ts";
import { type LdapOptions, ldapUserStore } from "../../src/peers/ldapts.ts";

afterEach(() => void vi.restoreAllMocks());

const OPTIONS = { url: "ldaps://a.test", userSearchBase: "ou=people" };

it.each<[object, string]>([
  [{ url: undefined }, "url"],
  [{ url: "a.test" }, "url"],
  [{ url: "https://a.test" }, "url"],
  [{ url: "ldaps://a.test/dc=test" }, "url"],
  [{ url: "ldaps://u:s3cret@a.test" }, "url"],
  [{ url: "ldap://a.test" }, "url"],
  [{ startTls: true }, "startTls"],
  [{ startTls: 1 }, "startTls"],
  [{ tls: 1 }, "tls"],
  [{ tls: { rejectUnauthorized: false } }, "tls.rejectUnauthorized"],
  [{ userSearchBase: undefined }, "userSearchBase"],
  [{ userSearchBase: "" }, "userSearchBase"],
  [{ userFilter: 1 }, "userFilter"],
  [{ groupSearchBase: 1 }, "groupSearchBase"],
  [{ connectionName: "cn=a" }, "connectionName"],
  [{ connectionPassword: "s3cret" }, "connectionName"],
  [{ timeout: 0 }, "timeout"],
  [{ timeout: -1 }, "timeout"],
  [{ idleTimeout: "1" }, "idleTimeout"],
  [{ maxConcurrentChecks: 0 }, "maxConcurrentChecks"],
  [{ maxWaitingChecks: -1 }, "maxWaitingChecks"],
  [{ searchBase: "x" }, "searchBase"],
])("%j is refused", (options, name) => {
  const make = (): unknown => ldapUserStore({ ...OPTIONS, ...options } as LdapOptions);
  expect(make).toThrow(`Cannot use the option "${name}": `);
  expect(make).not.toThrow("s3cret");
});

it("a connection that is lost once TLS has begun is not made anew without it", async () => {
  let heard = "";
  const server = createServer((socket) => socket.on("data", (data) => heard += data.toString("latin1")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // It has begun, and nobody is connected any more.
  vi.spyOn(Client.prototype, "startTLS").mockResolvedValue(undefined);
  try {
    const store = ldapUserStore({
      ...OPTIONS,
      url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`,
      startTls: true,
      connectionName: "cn=listener",
      connectionPassword: "s3cret",
      timeout: 1,
    });
    const error = await store.verify("ada", "s3cret", new AbortController().signal).catch((error: unknown) => error);
    expect(String((error as Error).cause)).toContain("The connection is lost");
    expect(heard).toBe("");
  } finally {
    server.close();
  }
});

it("nothing is connected to before somebody logs in, nor for who has no password", async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const store = ldapUserStore({ ...OPTIONS, url, allowInsecureConnection: true, timeout: 1 });
    const { signal } = new AbortController();
    expect([await store.verify("", "x", signal), await store.verify("ada", "", signal), connections]).toEqual(
      [undefined, undefined, 0],
    );
    const error = await store.verify("ada", "s3cret", signal).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({ temporary: true });
    expect(`${error} ${(error as Error).cause}`).not.toContain("s3cret");
    store.close();
    store.close();
  } finally {
    server.close();
  }
});

it.each([
  ["there is, with another password", ["uid=ada"], new InvalidCredentialsError()],
  ["there is, without a password", ["uid=ada"], new InappropriateAuthError()],
  ["there is, and who tried too often", ["uid=ada"], new ConstraintViolationError()],
  ["there is, and who is switched off", ["uid=ada"], new UnwillingToPerformError()],
  ["there is not, as OpenLDAP says it", [], new InvalidCredentialsError()],
  ["there is not, as others say it", [], new InappropriateAuthError()],
  ["there is not any more", ["uid=ada"], new NoSuchObjectError()],
])("a user whom %s is let in no more than others, and told nothing else", async (_who, found, answer) => {
  const searchEntries = found.map((dn) => ({ dn, uid: "ada" }));
  vi.spyOn(Client.prototype, "search").mockResolvedValue({ searchEntries, searchReferences: [] });
  const bind = vi.spyOn(Client.prototype, "bind").mockRejectedValue(answer);
  const store = ldapUserStore(OPTIONS);
  expect(await store.verify("ada", "s3cret", new AbortController().signal)).toBeUndefined();
  bind.mockRejectedValue(new BusyError());
  await expect(store.verify("ada", "s3cret", new AbortController().signal)).rejects.toBeInstanceOf(AuthError);
});

it("a name is the directory's, in whatever case its attribute is written", async () => {
  const searchEntries = [{ dn: "uid=ada", sAMAccountName: "ada" }];
  vi.spyOn(Client.prototype, "search").mockResolvedValue({ searchEntries, searchReferences: [] });
  vi.spyOn(Client.prototype, "bind").mockResolvedValue();
  const store = ldapUserStore({ ...OPTIONS, userNameAttribute: "samaccountname", idleTimeout: 0 });
  expect(await store.verify("ADA", "s3cret", new AbortController().signal)).toEqual({ name: "ada", scopes: [] });
});
