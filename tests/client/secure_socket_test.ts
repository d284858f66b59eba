import { describe, expect, it } from "vitest";
import { checkClientSecure } from "../../src/client/secure_socket.ts";

describe("secureSocket of a client (T2)", () => {
  it("has defaults that verify all there is to verify", () => {
    expect(checkClientSecure(undefined, false)).toBeUndefined();
    expect(checkClientSecure({}, true)).toMatchObject({
      key: undefined,
      trust: undefined,
      serverName: undefined,
      verifyHostName: true,
      verify: true,
    });
  });

  it("takes what says whom to trust, and who one is", () => {
    const key = { path: "client.p12", password: "x" };
    expect(checkClientSecure({ cert: "ca.pem", key, serverName: "a.test", verifyHostName: false, enable: false }, true))
      .toMatchObject({ key, trust: "ca.pem", serverName: "a.test", verifyHostName: false, verify: false });
  });

  it("is an error where the URL does not ask for TLS", () => {
    expect(() => checkClientSecure({}, false)).toThrow(
      new TypeError('Cannot use the option "secureSocket": the URL does not ask for TLS, "wss:" does'),
    );
  });

  it.each<[string, unknown]>([
    ["secureSocket", 7],
    ["secureSocket.cert", { cert: 7 }],
    ["secureSocket.key", { key: "key.pem" }],
    ["secureSocket.serverName", { serverName: "" }],
    ["secureSocket.serverName", { serverName: "127.0.0.1" }],
    ["secureSocket.serverName", { serverName: "::1" }],
    ["secureSocket.serverName", { serverName: "a.test:443" }],
    ["secureSocket.serverName", { serverName: "a..test" }],
    ["secureSocket.verifyHostName", { verifyHostName: "no" }],
    ["secureSocket.enable", { enable: 0 }],
    // A listener's.
    ["secureSocket.mutualSsl", { mutualSsl: {} }],
  ])("refuses a wrong %s: %j", (name, value) => {
    expect(() => checkClientSecure(value, true)).toThrow(TypeError);
    expect(() => checkClientSecure(value, true)).toThrow(`Cannot use the option "${name}": `);
  });
});
