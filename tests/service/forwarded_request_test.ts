import { expect, it } from "vitest";

import { compileRanges } from "../../src/handshake/ip_range.ts";
import { asSent } from "../../src/service/forwarded_request.ts";
import { FakeUpgrade } from "../support/fake_upgrade.ts";
import type { PeerCertificate } from "../../src/transport/tls.ts";

const PROXY = "10.0.0.1";
const trusts = compileRanges([PROXY]);

it("is the request itself where nobody is trusted, or nothing is told", () => {
  const { request } = new FakeUpgrade("/", { "x-forwarded-for": "1.2.3.4" }, { remoteAddress: PROXY });
  expect(asSent(request, undefined)).toBe(request);
  expect(asSent(request, compileRanges(["10.0.0.2"]))).toBe(request);
  const silent = new FakeUpgrade("/", {}, { remoteAddress: PROXY }).request;
  expect(asSent(silent, trusts)).toBe(silent);
});

it("has the sender's address and scheme, and is the request otherwise", () => {
  const headers = { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https" };
  const certificate = { subject: { CN: "somebody" } } as unknown as PeerCertificate;
  const { request } = new FakeUpgrade("/a?http://b", headers, { remoteAddress: PROXY, peerCertificate: certificate });
  const sent = asSent(request, trusts);
  expect(sent).toMatchObject({ remoteAddress: "1.2.3.4", secure: true, url: "https://hawser.test/a?http://b" });
  expect(sent.headers).toBe(request.headers);
  expect(sent.signal).toBe(request.signal);
  expect([sent.method, sent.peerCertificate]).toEqual(["GET", certificate]);
});

it("is not secure any more where a trusted proxy says so", () => {
  const headers = { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "http" };
  const { request } = new FakeUpgrade("/", headers, {
    remoteAddress: PROXY,
    secure: true,
    url: "https://hawser.test/",
  });
  expect(asSent(request, trusts)).toMatchObject({ secure: false, url: "http://hawser.test/" });
});
