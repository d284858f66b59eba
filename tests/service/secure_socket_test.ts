import { describe, expect, it } from "vitest";
import { checkListenerSecure } from "../../src/service/secure_socket.ts";

const key = { certFile: "cert.pem", keyFile: "key.pem" };

describe("secureSocket of a listener (T1)", () => {
  it("needs a key, and nothing more", () => {
    expect(checkListenerSecure(undefined)).toBeUndefined();
    expect(checkListenerSecure({ key })).toMatchObject({
      key,
      hosts: new Map(),
      verifyClient: undefined,
      trust: undefined,
      sessionSeconds: undefined,
    });
    expect(() => checkListenerSecure({})).toThrow('Cannot use the option "secureSocket.key": it is not an object');
  });

  it("requires a certificate of clients where it asks for one, unless it is told otherwise", () => {
    expect(checkListenerSecure({ key, mutualSsl: { cert: "ca.pem" } })).toMatchObject({
      verifyClient: "require",
      trust: "ca.pem",
    });
    expect(checkListenerSecure({ key, mutualSsl: { cert: "ca.pem", verifyClient: "optional" } })?.verifyClient)
      .toBe("optional");
  });

  it("has keys for host names, in whatever case", () => {
    const other = { path: "other.p12", password: "p" };
    expect(checkListenerSecure({ key, hosts: { "Chat.Example.com": key, "*.example.com": other } })?.hosts).toEqual(
      new Map<string, unknown>([["chat.example.com", { ...key, keyPassword: undefined }], ["*.example.com", other]]),
    );
  });

  it("rounds the life of sessions up, as TLS counts whole seconds", () => {
    expect(checkListenerSecure({ key, sessionTimeout: 0.2 })?.sessionSeconds).toBe(1);
    expect(checkListenerSecure({ key, sessionTimeout: 90 })?.sessionSeconds).toBe(90);
  });

  it.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ["secureSocket", true, TypeError],
    ["secureSocket.mutualSsl", { key, mutualSsl: true }, TypeError],
    ["secureSocket.mutualSsl.cert", { key, mutualSsl: {} }, TypeError],
    ["secureSocket.mutualSsl.verifyClient", { key, mutualSsl: { cert: "a", verifyClient: "OPTIONAL" } }, TypeError],
    ["secureSocket.mutualSsl.verify", { key, mutualSsl: { cert: "a", verify: true } }, TypeError],
    ["secureSocket.sessionTimeout", { key, sessionTimeout: 0 }, RangeError],
    ["secureSocket.sessionTimeout", { key, sessionTimeout: -1 }, RangeError],
    ["secureSocket.sessionTimeout", { key, sessionTimeout: "1" }, TypeError],
    ["secureSocket.hosts", { key, hosts: [key] }, TypeError],
    ["secureSocket.hosts", { key, hosts: { "": key } }, TypeError],
    ["secureSocket.hosts", { key, hosts: { "127.0.0.1": key } }, TypeError],
    ["secureSocket.hosts", { key, hosts: { "a.test.": key } }, TypeError],
    ["secureSocket.hosts", { key, hosts: { "a*.test": key } }, TypeError],
    ["secureSocket.hosts", { key, hosts: { "*": key } }, TypeError],
    ["secureSocket.hosts", { key, hosts: { "zoë.test": key } }, TypeError],
    ["secureSocket.hosts", { key, hosts: { "a.test": key, "A.test": key } }, TypeError],
    ['secureSocket.hosts["a.test"]', { key, hosts: { "a.test": "cert.pem" } }, TypeError],
    ['secureSocket.hosts["a.test"].keyFile', { key, hosts: { "a.test": { certFile: "a" } } }, TypeError],
    // A client's.
    ["secureSocket.serverName", { key, serverName: "a.test" }, TypeError],
  ])("refuses a wrong %s: %j", (name, value, kind) => {
    expect(() => checkListenerSecure(value)).toThrow(kind);
    expect(() => checkListenerSecure(value)).toThrow(`Cannot use the option "${name}": `);
  });
});
