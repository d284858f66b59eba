/** Row T1 of the acceptance table, as far as it is about certificates by host name. */

import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { expect, it } from "vitest";
import { type Client, ConnectionError, Listener, type ListenerSecureSocket, SslError } from "../../mod.ts";
import { makeAuthority } from "../support/certificates.ts";
import { differs, refuses } from "../support/host.ts";
import { ECHO, expectUnsupported, failure, LOOPBACK, onSockets } from "../support/on_sockets.ts";
import { makeTlsFiles } from "../support/tls_files.ts";

const { listen: listenWith, connect, whenOver } = onSockets();
const { file, key } = makeTlsFiles();
const { ca, issue } = makeAuthority();

function keyOf(name: string): { certFile: string; keyFile: string } {
  const { cert, key } = issue({ subject: [["CN", name]], names: [`DNS:${name}`] });
  return { certFile: cert, keyFile: key };
}

const HOSTS = { "chat.test": keyOf("chat.test"), "*.wild.test": keyOf("*.wild.test") };

const listen = (secureSocket: Partial<ListenerSecureSocket> = {}): Promise<Listener> =>
  listenWith(ECHO, {}, { secureSocket: { key: keyOf("main.test"), hosts: HOSTS, ...secureSocket } });

/** Whose certificate a client gets that asks for `servername`, or for nobody. */
function nameAt({ port }: Listener, servername: string | undefined, options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const named = servername === undefined ? {} : { servername };
    const checkServerIdentity = (): undefined => undefined;
    const told = { host: "127.0.0.1", port, ca, checkServerIdentity, ...named, ...options };
    const socket: TLSSocket = connectTls(told);
    whenOver(() => socket.destroy());
    socket.once("secureConnect", () => resolve(String(socket.getPeerCertificate().subject.CN)));
    socket.on("error", reject);
  });
}

const notThere = (): void => {
  const create = (): Listener =>
    new Listener(0, { host: LOOPBACK, secureSocket: { key: key("server"), hosts: HOSTS } });
  try {
    create();
  } catch (error) {
    return expectUnsupported(error, "secureSocket.hosts");
  }
  throw new Error("It is taken");
};
const refused = {
  "deno native": refuses("deno-own-tls", notThere),
  "bun native": refuses("bun-own-tls", notThere),
} as const;

it(
  "T1: the certificate is that of the host that is asked for, or else the listener's own",
  differs(refused, async () => {
    const listener = await listen();
    const asked = ["chat.test", "CHAT.test", "a.wild.test", "a.b.wild.test", "wild.test", "main.test", "x", undefined];
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const versions = { minVersion: version, maxVersion: version };
      expect(await Promise.all(asked.map((name) => nameAt(listener, name, versions)))).toEqual(
        ["chat.test", "chat.test", "*.wild.test", "main.test", "main.test", "main.test", "main.test", "main.test"],
      );
    }
    const client = await connect(`wss://127.0.0.1:${listener.port}/`, {
      secureSocket: { cert: ca, serverName: "chat.test" },
    });
    await client.writeTextMessage("hello");
    expect(await client.readTextMessage()).toBe("hello");
  }),
);

it(
  "T1: clients show their certificate whatever host they ask for, and the rest is the listener's, too",
  differs(refused, async () => {
    for (const [version, other] of [["TLSv1.2", "TLSv1.3"], ["TLSv1.3", "TLSv1.2"]] as const) {
      const listener = await listen({ mutualSsl: { cert: file("ca.pem") }, protocol: { versions: [version] } });
      for (const serverName of ["main.test", "chat.test"]) {
        const at = (more: object): Promise<Client> =>
          connect(`wss://127.0.0.1:${listener.port}/`, { secureSocket: { cert: ca, serverName, ...more } });
        // The second time with the session of the first, where there are such.
        for (let i = 0; i < 2; i++) {
          expect(await (await at({ key: key("client") })).close()).toMatchObject({ code: 1000 });
        }
        for (const bad of [{}, { key: key("stranger") }, { key: key("expired") }]) {
          const error = await failure(at(bad));
          expect(error instanceof SslError || error instanceof ConnectionError).toBe(true);
        }
        expect(await failure(at({ key: key("client"), protocol: { versions: [other] } }))).toBeInstanceOf(SslError);
      }
    }
  }),
);

it(
  "T1: those of hosts are renewed together with the listener's own",
  differs(refused, async () => {
    const listener = await listen({ hosts: {} });
    expect(await nameAt(listener, "chat.test")).toBe("main.test");
    listener.setSecureContext({ key: keyOf("other.test"), hosts: HOSTS });
    expect(await Promise.all(["chat.test", "main.test"].map((name) => nameAt(listener, name)))).toEqual(
      ["chat.test", "other.test"],
    );
    const hosts = { "chat.test": { ...HOSTS["chat.test"], keyFile: file("none.key") } };
    const error = await failure(() => listener.setSecureContext({ key: keyOf("third.test"), hosts }));
    expect(error).toMatchObject({ name: "SslError", file: file("none.key") });
    expect((error as Error).message).toContain('"secureSocket.hosts["chat.test"].keyFile"');
    expect(await nameAt(listener, "main.test")).toBe("other.test");
    listener.setSecureContext({ key: keyOf("main.test") });
    expect(await nameAt(listener, "chat.test")).toBe("main.test");
  }),
);
