import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { dial } from "../../../src/adapters/node/dial.ts";
import { ConnectionError, SslError } from "../../../src/errors.ts";

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
});
