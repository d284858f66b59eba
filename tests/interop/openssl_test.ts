/** OpenSSL's own programs against a listener, and the stores that they write: versions, suites, sessions, certificates. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { Client, Listener, type ListenerSecureSocket, UnsupportedError } from "../../mod.ts";
import { readPkcs12 } from "../../src/adapters/node/pkcs12.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { makeTlsFiles, PASSWORD } from "../support/tls_files.ts";
import { needs } from "./support/needs.ts";

const { file, key } = makeTlsFiles();
const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** Runs `openssl` to its end with `input`, which is given once it said what `ready` matches. */
function openssl(args: readonly string[], input = "", ready?: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let output = "";
    const child = execFile("openssl", [...args], { timeout: 8_000 }, () => resolve(output));
    // It may have ended before it was told.
    child.stdin!.on("error", () => {});
    let given = ready === undefined;
    if (given) child.stdin!.end(input);
    for (const pipe of [child.stdout!, child.stderr!]) {
      pipe.on("data", (chunk) => {
        output += chunk;
        if (given || !ready!.test(output)) return;
        given = true;
        child.stdin!.write(input);
      });
    }
  });
}

/** What `openssl s_client` came to: whether it got its 101, and by what. */
async function sClient({ port }: Listener, ...args: string[]): Promise<{ ok: boolean; by: string; output: string }> {
  const options = ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "localhost", "-CAfile", file("ca.pem")];
  // A close frame of ours behind the upgrade ends the connection from the other side.
  const input = `${upgradeRequest()}\x88\x80\0\0\0\0`;
  const output = await openssl([...options, "-ign_eof", ...args], input, /Verify return code|SSL handshake has read/);
  const by = /^ *(?:New, )?(TLSv1\.\d), Cipher is (\S+)/m.exec(output)?.slice(1).join(" ") ?? "";
  return { ok: output.includes("101 Switching Protocols"), by, output };
}

async function listen(secureSocket: Partial<ListenerSecureSocket> = {}): Promise<Listener> {
  const listener = new Listener(0, { host: "127.0.0.1", secureSocket: { key: key("server"), ...secureSocket } });
  onTestFinished(() => listener.immediateStop());
  listener.attach("/", { get: () => ({ onMessage: (_caller, message) => message }) });
  await listener.start();
  return listener;
}

describe("openssl s_client", () => {
  it(
    "openssl: TLS 1.2 and 1.3 are spoken, and nothing older",
    needs("openssl", async () => {
      const listener = await listen();
      for (const [flag, version] of [["-tls1_2", "TLSv1.2"], ["-tls1_3", "TLSv1.3"]] as const) {
        const { ok, by, output } = await sClient(listener, flag);
        expect([ok, by.split(" ")[0]], output).toEqual([true, version]);
        expect(output).toContain("Verify return code: 0 (ok)");
      }
      for (const flag of ["-tls1", "-tls1_1"]) {
        const { ok, output } = await sClient(listener, flag, "-cipher", "DEFAULT@SECLEVEL=0");
        expect(ok, output).toBe(false);
      }
    }),
  );

  it(
    "openssl: of the versions those of the option alone",
    needs("openssl", async () => {
      for (
        const [version, spoken, other] of [["TLSv1.2", "-tls1_2", "-tls1_3"], [
          "TLSv1.3",
          "-tls1_3",
          "-tls1_2",
        ]] as const
      ) {
        const listener = await listen({ protocol: { versions: [version] } });
        expect([(await sClient(listener, spoken)).ok, (await sClient(listener, other)).ok]).toEqual([true, false]);
      }
    }),
  );

  it(
    "openssl: of the suites those of the option alone",
    needs("openssl", async () => {
      const suite = "ECDHE-ECDSA-AES256-GCM-SHA384";
      if (RUNTIME === "deno") {
        return await expect(listen({ ciphers: [suite] })).rejects.toThrow('"secureSocket.ciphers"');
      }
      const listener = await listen({ ciphers: [suite] });
      expect(await sClient(listener)).toMatchObject({ ok: true, by: `TLSv1.2 ${suite}` });
      expect((await sClient(listener, "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")).ok).toBe(false);
      expect((await sClient(listener, "-tls1_3")).ok).toBe(false);
      const all = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
      const newer = await listen({ ciphers: RUNTIME === "bun" ? all : ["TLS_AES_128_GCM_SHA256"] });
      expect(await sClient(newer, "-ciphersuites", "TLS_AES_128_GCM_SHA256"))
        .toMatchObject({ ok: true, by: "TLSv1.3 TLS_AES_128_GCM_SHA256" });
      expect((await sClient(newer, "-tls1_2")).ok).toBe(false);
      if (RUNTIME === "node") {
        expect((await sClient(newer, "-ciphersuites", "TLS_AES_256_GCM_SHA384")).ok).toBe(false);
      }
    }),
  );

  it(
    "openssl: a certificate of its own, where one is asked for",
    needs("openssl", async () => {
      const listener = await listen({ mutualSsl: { cert: file("ca.pem") } });
      const as = (name: string): string[] => ["-cert", file(`${name}.pem`), "-key", file(`${name}.key`)];
      for (const version of ["-tls1_2", "-tls1_3"]) {
        expect((await sClient(listener, version)).ok, version).toBe(false);
        expect((await sClient(listener, version, ...as("stranger"))).ok, version).toBe(false);
        expect((await sClient(listener, version, ...as("client"))).ok, version).toBe(true);
      }
      expect((await sClient(listener)).output).toContain("CN = hawser test authority");
    }),
  );

  it(
    "openssl: sessions are resumed, for as long as they may be, or not at all",
    needs("openssl", async () => {
      const resumes = async (listener: Listener, version: string): Promise<boolean> => {
        const session = file(`session${version}`);
        expect((await sClient(listener, version, "-sess_out", session)).ok).toBe(true);
        return (await sClient(listener, version, "-sess_in", session)).output.includes("Reused, TLS");
      };
      const listener = await listen({ sessionTimeout: 4_321 });
      for (const version of ["-tls1_2", "-tls1_3"]) expect(await resumes(listener, version), version).toBe(true);
      // Deno keeps to it, and does not say so.
      if (RUNTIME === "deno") return;
      expect((await sClient(listener, "-tls1_2")).output).toMatch(/lifetime hint: 4321 \(seconds\)/);
      const alone = await listen({ shareSession: false });
      for (const version of ["-tls1_2", "-tls1_3"]) expect(await resumes(alone, version), version).toBe(false);
    }),
  );

  it(
    "openssl: a session from before does not outlive the authorities that are trusted",
    needs("openssl", async () => {
      const listener = await listen({ mutualSsl: { cert: file("ca.pem") } });
      const as = ["-cert", file("client.pem"), "-key", file("client.key")];
      for (const version of ["-tls1_2", "-tls1_3"]) {
        expect((await sClient(listener, version, ...as, "-sess_out", file(`old${version}`))).ok, version).toBe(true);
      }
      const renew = (): void => {
        listener.setSecureContext({ key: key("server"), mutualSsl: { cert: file("other_ca.pem") } });
      };
      if (RUNTIME === "deno") return expect(renew).toThrow(UnsupportedError);
      renew();
      for (const version of ["-tls1_2", "-tls1_3"]) {
        expect((await sClient(listener, version, ...as, "-sess_in", file(`old${version}`))).ok, version).toBe(false);
      }
    }),
  );
});

describe("openssl pkcs12", () => {
  const export_ = (name: string, ...more: string[]): Promise<string> =>
    openssl(["pkcs12", "-export", "-out", file(name), "-passout", `pass:${PASSWORD}`, ...more]);
  const both = ["-inkey", file("server.key"), "-in", file("server.pem"), "-certfile", file("ca.pem")];

  it.each<[string, string[]]>([
    ["as it does today", []],
    ["with 3DES and SHA-1, as before 2021", [
      "-certpbe",
      "PBE-SHA1-3DES",
      "-keypbe",
      "PBE-SHA1-3DES",
      "-macalg",
      "sha1",
    ]],
    ["with SHA-512 and AES-128", ["-macalg", "sha512", "-certpbe", "AES-128-CBC", "-keypbe", "AES-128-CBC"]],
    ["with certificates in the clear", ["-certpbe", "NONE"]],
    ["with all in the clear", ["-certpbe", "NONE", "-keypbe", "NONE", "-nomac"]],
  ])(
    "openssl: a store that it writes %s is read",
    (_, options) =>
      needs("openssl", async () => {
        const output = await export_("written.p12", ...both, ...options);
        const { keys, certificates } = readPkcs12(readFileSync(file("written.p12")), PASSWORD);
        expect([keys.length, certificates.length], output).toEqual([1, 2]);
        const listener = await listen({ key: { path: file("written.p12"), password: PASSWORD } });
        const url = listener.url.replace("127.0.0.1", "localhost");
        const client = await Client.connect(url, { secureSocket: { cert: file("ca.pem") } });
        expect(await client.close()).toMatchObject({ code: 1000 });
      })(),
  );

  it(
    "openssl: a store without a key is one of authorities",
    needs("openssl", async () => {
      await export_("authorities.p12", "-nokeys", "-in", file("ca.pem"));
      const { url } = await listen();
      const cert = { path: file("authorities.p12"), password: PASSWORD };
      const client = await Client.connect(url.replace("127.0.0.1", "localhost"), { secureSocket: { cert } });
      expect(await client.close()).toMatchObject({ code: 1000 });
    }),
  );

  it(
    "openssl: it reads what the tests write",
    needs("openssl", async () => {
      const output = await openssl(["pkcs12", "-in", file("server.p12"), "-passin", `pass:${PASSWORD}`, "-nodes"]);
      expect(output.match(/BEGIN [A-Z ]+/g)).toEqual(["BEGIN CERTIFICATE", "BEGIN CERTIFICATE", "BEGIN PRIVATE KEY"]);
    }),
  );
});
