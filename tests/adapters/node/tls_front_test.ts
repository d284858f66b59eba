import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { tlsFiles } from "../../../src/adapters/node/tls_files.ts";
import { TlsFront } from "../../../src/adapters/node/tls_front.ts";
import { checkListenerSecure } from "../../../src/service/secure_socket.ts";
import type { ServerTls } from "../../../src/transport/tls.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { whenOver } from "../../support/node_host.ts";
import { makeTlsFiles } from "../../support/tls_files.ts";

const { key, ca } = makeTlsFiles();
const tls = (secureSocket: object = {}): ServerTls =>
  tlsFiles.loadServer(checkListenerSecure({ key: key("server"), ...secureSocket })!);

async function front(secureSocket?: object): Promise<{ front: TlsFront; port: number }> {
  const late = (socket: Socket): void => void socket.destroy();
  const front = new TlsFront({}, tls(secureSocket), { clock: new ManualClock(), timeoutMs: 1_000, late });
  front.http.on("request", (_request, response) => response.end("a page"));
  front.listener.listen(0, "127.0.0.1");
  whenOver(() => {
    front.stop();
    front.http.closeAllConnections();
  });
  await new Promise((resolve) => front.listener.once("listening", resolve));
  return { front, port: (front.listener.address() as AddressInfo).port };
}

function dial(port: number): TLSSocket {
  const socket = connectTls({ host: "127.0.0.1", port, ca, servername: "localhost" });
  whenOver(() => socket.destroy());
  return socket.on("error", () => {});
}

const until = (socket: Socket, event: string): Promise<unknown> => new Promise((done) => socket.once(event, done));

// What it does for a listener is in tests/behaviours/tls_listener_test.ts.
describe("an HTTP server over TLS", () => {
  it("answers, over HTTP/1.1 alone", async () => {
    const { port } = await front();
    const socket = connectTls({
      host: "127.0.0.1",
      port,
      ca,
      servername: "localhost",
      ALPNProtocols: ["h2", "http/1.1"],
    });
    whenOver(() => socket.destroy());
    await until(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe("http/1.1");
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(String(await until(socket, "data"))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("answers nothing in the clear, and drops who speaks so", async () => {
    const { port } = await front();
    const socket = connectTcp(port, "127.0.0.1").on("error", () => {});
    let heard = "";
    socket.on("data", (chunk) => heard += chunk.toString("latin1"));
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(socket, "close");
    expect(heard).not.toContain("HTTP");
  });

  it("has other certificates for new connections from then on", async () => {
    const { front: renewed, port } = await front();
    const numberOf = async (): Promise<string> => {
      const socket = dial(port);
      await until(socket, "secureConnect");
      return socket.getPeerCertificate().serialNumber;
    };
    const old = await numberOf();
    renewed.setTls(tls({ key: key("renewed") }));
    expect(await numberOf()).not.toBe(old);
  });

  it("drops, when it stops, connections whose handshake is not done, and those that come to its end later", async () => {
    const { front: stopping, port } = await front();
    const silent = connectTcp(port, "127.0.0.1").on("error", () => {});
    await until(silent, "connect");
    // A connection behind it: the one before is known by then.
    await until(dial(port), "secureConnect");
    const gone = until(silent.resume(), "close");
    stopping.stop();
    await gone;
  });
});
