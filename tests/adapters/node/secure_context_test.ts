import { constants } from "node:crypto";
import { expect, it } from "vitest";
import { contextOf } from "../../../src/adapters/node/secure_context.ts";

const NOTHING = {
  identity: undefined,
  authorities: undefined,
  minVersion: undefined,
  maxVersion: undefined,
  ciphers: undefined,
  shareSession: true,
};

it("leaves out what was not asked for", () => {
  expect(contextOf(NOTHING)).toEqual({});
});

it("has all that was", () => {
  const identity = { key: "a key", cert: "a certificate" };
  expect(contextOf({
    identity,
    authorities: ["one", "two"],
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: "A:B",
    shareSession: false,
    sessionSeconds: 60,
  })).toEqual({
    ...identity,
    ca: ["one", "two"],
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: "A:B",
    secureOptions: constants.SSL_OP_NO_TICKET,
    sessionTimeout: 60,
  });
});
