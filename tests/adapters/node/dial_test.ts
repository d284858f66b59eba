import process from "node:process";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { dial } from "../../../src/adapters/node/dial.ts";
import { ConnectionError, SslError } from "../../../src/errors.ts";
import { memoryPair } from "../../../src/transport/memory.ts";

let server: Server | undefined;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

async function listen(onConnection: (socket: Socket) => void = () => {}): Promise<number> {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server!.once("listening", resolve));
  return (server.address() as AddressInfo).port;
}

const never = new AbortController().signal;

describe("dial", () => {
  it("opens a pipe of bytes that may end one way first", async () => {
    const port = await listen((socket) => {
      socket.end("hello");
      socket.on("data", (chunk) => heard(chunk.toString()));
    });
    let heard = (_: string): void => {};
    const answered = new Promise<string>((resolve) => heard = resolve);
    const transport = await dial({ hostname: "127.0.0.1", port, secure: false }, never);
    const events: string[] = [];
    await new Promise<void>((resolve) =>
      transport.start({
        bytes: (chunk) => events.push(new TextDecoder().decode(chunk)),
        drained: () => {},
        ended: () => resolve(void events.push("ended")),
        closed: () => {},
      })
    );
    transport.write(new TextEncoder().encode("still here"));
    expect([events, await answered]).toEqual([["hello", "ended"], "still here"]);
    transport.destroy();
  });

  it("tells who refused, with the system's error as its cause", async () => {
    const port = await listen();
    await new Promise((resolve) => server!.close(resolve));
    server = undefined;
    const error = await dial({ hostname: "127.0.0.1", port, secure: false }, never).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({
      message: `Cannot connect to 127.0.0.1:${port}: ECONNREFUSED`,
      cause: { code: "ECONNREFUSED" },
    });
  });

  it("tells of a Unix socket that is not there", async () => {
    const target = { hostname: "localhost", port: 0, secure: false, socketPath: "/nowhere/hawser.sock" };
    await expect(dial(target, never)).rejects.toThrow('Cannot connect to "/nowhere/hawser.sock": ENOENT');
  });

  it("tells when it was a proxy that refused", async () => {
    const port = await listen();
    await new Promise((resolve) => server!.close(resolve));
    server = undefined;
    const target = { hostname: "127.0.0.1", port, secure: false, isProxy: true };
    await expect(dial(target, never)).rejects.toThrow(`Cannot connect to the proxy 127.0.0.1:${port}: ECONNREFUSED`);
  });

  it("puts TLS on a pipe, which hears nothing more, and lets it go when that fails", async () => {
    let hello = "";
    const port = await listen((socket) => {
      socket.on("data", (chunk) => {
        if (hello === "") socket.write("no TLS here, go away\r\n");
        hello += chunk.toString("latin1");
      });
      for (const event of ["end", "close"]) socket.on(event, () => gone());
    });
    let gone = (): void => {};
    const closed = new Promise<void>((resolve) => gone = resolve);
    const pipe = await dial({ hostname: "127.0.0.1", port, secure: false }, never);
    const heard: unknown[] = [];
    const hear = (event: unknown): void => void heard.push(event);
    pipe.start({ bytes: hear, drained() {}, ended: () => hear("ended"), closed: hear });
    pipe.pause();
    const target = { hostname: "somewhere.test", port: 443, secure: true, pipe };
    const error = await dial(target, never).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(SslError);
    expect((error as Error).message).toContain("Cannot open TLS to somewhere.test:443: ");
    await closed;
    // RFC 6066 §3: the name of the target, in the clear.
    expect([hello.includes("somewhere.test"), heard]).toEqual([true, []]);
  });

  it("puts no TLS on a pipe of somebody else's", async () => {
    const [pipe] = memoryPair();
    const target = { hostname: "a.test", port: 443, secure: true, pipe };
    await expect(dial(target, never)).rejects.toThrow(
      new TypeError("Cannot put TLS on a pipe that was not opened here"),
    );
  });

  it("lets the pipe go when the signal aborts under TLS", async () => {
    let heard = (): void => {};
    const helloed = new Promise<void>((resolve) => heard = resolve);
    let gone = (): void => {};
    const closed = new Promise<void>((resolve) => gone = resolve);
    const port = await listen((socket) => {
      socket.on("data", () => heard());
      for (const event of ["end", "close"]) socket.on(event, () => gone());
    });
    const pipe = await dial({ hostname: "127.0.0.1", port, secure: false }, never);
    const controller = new AbortController();
    const dialled = dial({ hostname: "a.test", port: 443, secure: true, pipe }, controller.signal);
    dialled.catch(() => {});
    await helloed;
    controller.abort("mine");
    await expect(dialled).rejects.toBe("mine");
    await closed;
  });

  it("tells of a server that speaks no TLS with an SslError", async () => {
    const port = await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const error = await dial({ hostname: "localhost", port, secure: true }, never).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(SslError);
    expect((error as Error).cause).toBeInstanceOf(Error);
  });

  it("rejects with the signal's reason, and leaves no socket open", async () => {
    await expect(dial({ hostname: "127.0.0.1", port: 1, secure: false }, AbortSignal.abort("mine"))).rejects.toBe(
      "mine",
    );
    const controller = new AbortController();
    let gone = (): void => {};
    const closed = new Promise<void>((resolve) => gone = resolve);
    const port = await listen((socket) => {
      socket.resume();
      for (const event of ["end", "close"]) socket.on(event, () => gone());
      // The client waits for our half of the TLS handshake.
      controller.abort("mine");
    });
    await expect(dial({ hostname: "localhost", port, secure: true }, controller.signal)).rejects.toBe("mine");
    await closed;
  });

  it("an error that comes when nobody waits for the socket any more is nobody's, and ends no process", async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown): void => void uncaught.push(error);
    process.on("uncaughtException", note);
    const controller = new AbortController();
    // Nobody takes TCP there: the system says so within the call, and Node in its next tick.
    const dialled = dial({ hostname: "255.255.255.255", port: 9, secure: false }, controller.signal);
    process.nextTick(() => controller.abort("mine"));
    await expect(dialled).rejects.toBe("mine");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("uncaughtException", note);
    expect(uncaught).toEqual([]);
  });
});
