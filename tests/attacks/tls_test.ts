/** TLS that means harm: handshakes that are never done, and what comes in the place of one. */

import { Buffer } from "node:buffer";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, it } from "vitest";
import type { ListenerSecureSocket, Service } from "../../mod.ts";
import { deferred, ECHO, onSockets } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { makeTlsFiles } from "../support/tls_files.ts";

const { listen: listenWith, connect, whenOver } = onSockets();
const { file, key, ca } = makeTlsFiles();

// On hawser's engine: the runtimes' own servers have no deadline for it, and refuse the option.
const listen = (secureSocket: Partial<ListenerSecureSocket> = {}, service: Service = ECHO) =>
  listenWith(service, {}, { host: "127.0.0.1", secureSocket: { key: key("server"), ...secureSocket } });

const trusted = { secureSocket: { cert: file("ca.pem") } };

function raw(port: number): Socket {
  const socket = connectTcp(port, "127.0.0.1").on("error", () => {});
  whenOver(() => socket.destroy());
  return socket.resume();
}

const gone = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve));

it("attack 7: TLS handshakes that are never done, or come byte by byte, hold nothing beyond handshakeTimeout", async () => {
  const listener = await listen({ handshakeTimeout: 0.3 });
  const bystander = await connect(listener.url.replace("127.0.0.1", "localhost"), trusted);
  const sockets = Array.from({ length: 100 }, () => raw(listener.port));
  const hello = Buffer.from("1603010200010001fc0303", "hex");
  const ends = sockets.map(gone);
  sockets.forEach((socket, i) => {
    if (i % 3 === 1) socket.write(hello);
    // What goes on talking is not given more time for that.
    if (i % 3 !== 2) return;
    let at = 0;
    const drip = setInterval(() => socket.write(hello.subarray(at, ++at)), 20);
    socket.once("close", () => clearInterval(drip));
  });
  await Promise.all(ends);
  await bystander.writeTextMessage("still here");
  expect(await bystander.readTextMessage()).toBe("still here");
  expect(listener.stats()).toMatchObject({ open: 1, opened: 1 });
});

it("attack 9: a client gone in the middle of its TLS handshake, or while get decides, leaves nothing behind", async () => {
  const asked = deferred<AbortSignal>();
  const listener = await listen();
  listener.attach("/slow", {
    get: (request) => {
      asked.resolve(request.signal);
      return new Promise<Service>(() => {});
    },
  });
  for (const part of [1, 5, 11]) {
    const socket = raw(listener.port);
    socket.write(Buffer.from("1603010200010001fc0303", "hex").subarray(0, part), () => socket.destroy());
    await gone(socket);
  }
  const socket = connectTls({ host: "127.0.0.1", port: listener.port, ca, servername: "localhost" });
  socket.on("error", () => {});
  socket.write(upgradeRequest("/slow"));
  const signal = await asked.promise;
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  socket.destroy();
  await aborted;
  const client = await connect(listener.url.replace("127.0.0.1", "localhost"), trusted);
  await client.close();
  expect(listener.stats()).toMatchObject({ opened: 1, left: 1 });
  expect(await listener.gracefulStop({ timeout: 2 })).toMatchObject({ cut: 0 });
  expect(listener.stats().open).toBe(0);
});

it("attack 6: HTTP in the clear, and garbage, on a port with TLS get no answer of HTTP, and others live on", async () => {
  // Node waits for the rest of a handshake even behind the end of what its client sends.
  const listener = await listen({ handshakeTimeout: 0.3 });
  const bystander = await connect(listener.url.replace("127.0.0.1", "localhost"), trusted);
  for (
    const said of [upgradeRequest(), "\0".repeat(5_000), "\x16\x03\x01\xff\xff" + "a".repeat(70_000), "\x80\x2e\x01"]
  ) {
    const socket = raw(listener.port);
    let heard = "";
    socket.on("data", (chunk) => heard += chunk.toString("latin1"));
    socket.end(Buffer.from(said, "latin1"));
    await gone(socket);
    expect(heard).not.toContain("HTTP/1.1");
  }
  await bystander.writeTextMessage("still here");
  expect(await bystander.readTextMessage()).toBe("still here");
});

it("T1: a client cannot show another certificate later, by a second handshake of TLS 1.2, also after a renewal", async () => {
  const mutualSsl = { cert: file("ca.pem"), verifyClient: "optional" } as const;
  const listener = await listen({ mutualSsl });
  for (let i = 0; i < 2; i++) {
    const { port } = listener;
    const socket = connectTls({ host: "127.0.0.1", port, ca, servername: "localhost", maxVersion: "TLSv1.2" });
    whenOver(() => socket.destroy());
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    // Some runtimes cannot even ask, or get no answer to it.
    const again = await new Promise<unknown>((resolve) => {
      socket.on("error", resolve).once("close", () => resolve("closed"));
      socket.once("data", () => resolve("refused"));
      try {
        socket.renegotiate({}, (error) => resolve(error ?? "renegotiated"));
      } catch (error) {
        resolve(error);
      }
      socket.write(upgradeRequest());
    });
    expect(again).not.toBe("renegotiated");
    socket.destroy();
    listener.setSecureContext({ key: key("server"), mutualSsl });
  }
});
