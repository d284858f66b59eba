import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { certificateOn, peerCertificate, verifiedCertificateOn } from "../../../src/adapters/node/peer_certificate.ts";
import { makeAuthority, type Saying } from "../../support/certificates.ts";

const { ca, issue } = makeAuthority("an authority");
const raw = (pem: string): Uint8Array => new Uint8Array(new X509Certificate(pem).raw);
const read = (saying: Partial<Saying>) => {
  const { cert } = issue({ subject: [["CN", "a"]], names: ["DNS:a.test"], ...saying });
  return { read: peerCertificate(raw(cert)), known: new X509Certificate(cert) };
};

describe("a certificate", () => {
  it("tells whose it is, who signed it, and for how long", () => {
    const from = Date.UTC(2026, 0, 2, 3, 4, 5);
    const to = Date.UTC(2051, 11, 31, 23, 59, 59);
    const names = ["DNS:ada.test", "email:ada@acme.test", "URI:https://acme.test/ada", "IP:10.0.0.7"];
    const { read: certificate, known } = read({ subject: [["O", "Acme"], ["CN", "ädä"]], names, from, to });
    expect(certificate).toMatchObject({
      subject: { O: "Acme", CN: "ädä" },
      issuer: { CN: "an authority" },
      subjectAltNames: names,
      fingerprint256: known.fingerprint256,
      validFrom: new Date(from),
      validTo: new Date(to),
      raw: new Uint8Array(known.raw),
    });
    expect(certificate.serialNumber.replace(/^0+/, "")).toBe(known.serialNumber.replace(/^0+/, ""));
  });

  it("has a list for a name that comes again, and the identifier of one without a short form", () => {
    const { read: certificate } = read({ subject: [["OU", "a"], ["OU", "b"], ["OU", "c"], ["2.5.4.65", "Queen"]] });
    expect(certificate.subject).toEqual({ "OU": ["a", "b", "c"], "2.5.4.65": "Queen" });
  });

  it("cannot say by a line end, a comma or an equals sign what it does not say", () => {
    const name = "ada\nCN=root, CN=root/CN=root\0";
    const { read: certificate } = read({ subject: [["CN", name]], names: ["DNS:a.test, DNS:root"] });
    expect(certificate.subject).toEqual({ CN: name });
    expect(certificate.subjectAltNames).toEqual(["DNS:a.test, DNS:root"]);
  });

  it("may have no further names", () => {
    expect(peerCertificate(raw(ca))).toMatchObject({ subject: { CN: "an authority" }, subjectAltNames: [] });
  });

  it("is read although an authority has signed an address that is none", () => {
    const bad = ["IP:10.0.0", "IP:10.0.0.0.7", `IP:${Array(18).fill(1).join(".")}`];
    const good = ["IP:10.0.0.7", "IP:32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1"];
    expect(read({ names: [...bad, ...good] }).read.subjectAltNames).toEqual(["IP:10.0.0.7", "IP:2001:db8::1"]);
  });

  it("is refused when it is none", () => {
    expect(() => peerCertificate(Uint8Array.of(1, 2, 3))).toThrow(Error);
  });
});

describe("on a socket", () => {
  it("is a copy of what the peer has shown, if it has", () => {
    const shown = Buffer.from("certificate");
    const on = (certificate: unknown): Uint8Array | undefined =>
      certificateOn({ getPeerCertificate: () => certificate } as never);
    expect(on({ raw: shown })).toEqual(new Uint8Array(shown));
    expect(on({ raw: shown })?.buffer).not.toBe(shown.buffer);
    expect([on({}), on(null), on({ subject: {} }), certificateOn({} as never)]).toEqual(Array(4).fill(undefined));
  });

  it("is told only if it was verified, and no other one has been shown since", () => {
    const getPeerCertificate = (): unknown => ({ raw: Buffer.from("certificate") });
    const on = (state: object): boolean =>
      verifiedCertificateOn({ getPeerCertificate, ...state } as never) !== undefined;
    expect([{ authorized: true, authorizationError: null }, { authorized: true }].map(on)).toEqual([true, true]);
    expect(
      [
        { authorized: false, authorizationError: "CERT_HAS_EXPIRED" },
        { authorized: true, authorizationError: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
        {},
      ].map(on),
    ).toEqual([false, false, false]);
  });
});
