/** A TCP or TLS client that says exactly what a test tells it to, and reads what comes back, as Latin-1 text. */

import { Buffer } from "node:buffer";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** An upgrade request that every server takes; `changes` replaces headers, adds them, or drops them (undefined). */
export function upgradeRequest(
  target = "/",
  changes: Readonly<Record<string, string | undefined>> = {},
  requestLine = `GET ${target} HTTP/1.1`,
): string {
  const headers = {
    Host: "hawser.test",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    ...changes,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== undefined);
  return `${requestLine}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** The status of an answer's head, or 0 when there is none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

export class RawClient {
  /** Everything that came and was not taken yet. */
  received = "";
  /** The server's direction has ended. */
  ended = false;
  closed = false;
  /** What ended it, if it was no clean end. */
  error: NodeJS.ErrnoException | undefined;
  readonly socket: Socket;
  #changed: () => void = () => {};

  /** Over a socket that is connected: either end of it. */
  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#hear(() => this.received += Buffer.from(chunk).toString("latin1")));
    socket.on("end", () => this.#hear(() => this.ended = true));
    socket.on("error", (error) => this.#hear(() => this.error = error));
    socket.on("close", () => this.#hear(() => this.closed = true));
  }

  /** Connects to a port of this machine; over TLS with `ca`, the certificate of whoever signed the server's. */
  static connect(port: number, ca?: string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const where = { host: "127.0.0.1", port, allowHalfOpen: true };
      const socket = ca === undefined ? connectTcp(where) : connectTls({ ...where, ca, servername: "localhost" });
      socket.once("error", reject);
      socket.once(ca === undefined ? "connect" : "secureConnect", () => {
        socket.off("error", reject);
        resolve(new RawClient(socket));
      });
    });
  }

  /** Resolves when the bytes are with the operating system, or the connection is gone. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    await new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** Writes in packets of `size` bytes, as far as the network keeps them apart; stops when an answer comes. */
  async writeInPieces(text: string, size: number): Promise<void> {
    for (let at = 0; at < text.length && this.received === "" && !this.closed; at += size) {
      await this.write(text.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Takes one head, with its blank line. Rejects when the connection ends before it is complete. */
  async head(): Promise<string> {
    await this.#until(() => this.received.includes("\r\n\r\n"), "a head");
    return this.take(this.received.indexOf("\r\n\r\n") + 4);
  }

  /** Takes one answer: its head, and the body that this announces. */
  async answer(): Promise<string> {
    const head = await this.head();
    if (!/^transfer-encoding: chunked\r$/im.test(head)) {
      return head + await this.take(Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0));
    }
    let body = "";
    for (;;) {
      await this.#until(() => this.received.includes("\r\n"), "a chunk");
      const size = parseInt(await this.take(this.received.indexOf("\r\n") + 2), 16);
      const chunk = await this.take(size + 2);
      if (size === 0) return head + body;
      body += chunk.slice(0, -2);
    }
  }

  /** Takes `count` bytes. Rejects when the connection ends before. */
  async take(count: number): Promise<string> {
    await this.#until(() => this.received.length >= count, `${count} bytes`);
    const taken = this.received.slice(0, count);
    this.received = this.received.slice(count);
    return taken;
  }

  /** Takes all until the server ends or drops the connection. */
  async rest(): Promise<string> {
    while (!this.ended && !this.closed) await this.#change();
    const taken = this.received;
    this.received = "";
    return taken;
  }

  /** Resolves when the connection is gone, both ways. */
  async gone(): Promise<void> {
    while (!this.closed) await this.#change();
  }

  async #until(has: () => boolean, what: string): Promise<void> {
    while (!has()) {
      if (this.ended || this.closed) {
        const cause = this.error;
        throw new Error(`The server ended the connection before ${what} came: ${JSON.stringify(this.received)}`, {
          cause,
        });
      }
      await this.#change();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed = resolve);
  }

  #hear(note: () => void): void {
    note();
    this.#changed();
  }
}
