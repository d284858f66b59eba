/** A relay before a server, so that one may come back where it was: the address stays, and connections can be lost. */

import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export class Relay {
  readonly #server = createServer((client) => this.#pass(client));
  readonly #clients = new Set<Socket>();
  readonly #servers = new Set<Socket>();
  #count = 0;
  #hidesLosses = false;
  #onConnection: () => void = () => {};
  /** The port on this machine where connections go; undefined: they are refused. */
  target: number | undefined;

  static async start(target?: number): Promise<Relay> {
    const relay = new Relay();
    relay.target = target;
    onTestFinished(() => {
      relay.#server.close();
      relay.loseClients();
      relay.loseServers();
    });
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections have come, those that were refused too. */
  get count(): number {
    return this.#count;
  }

  /** Drops the connections of clients. Those to the server behind them stay, as if nobody had noticed. */
  loseClients(): void {
    this.#hidesLosses = true;
    for (const socket of this.#clients) socket.destroy();
  }

  /** Drops the connections to the server, and what is left of those before them. */
  loseServers(): void {
    this.#hidesLosses = false;
    for (const socket of this.#servers) socket.destroy();
  }

  /** Resolves when `count` has come. */
  connections(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onConnection = () => this.#count >= count && resolve();
      this.#onConnection();
    });
  }

  #pass(client: Socket): void {
    keep(client, this.#clients);
    this.#count++;
    this.#onConnection();
    if (this.target === undefined) {
      client.destroy();
      return;
    }
    const server = connect({ host: "127.0.0.1", port: this.target });
    keep(server, this.#servers);
    client.pipe(server, { end: false });
    client.on("close", () => this.#hidesLosses || server.destroy());
    server.pipe(client);
    server.on("close", () => client.destroy());
  }
}

function keep(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.on("error", () => {}); // its "close" follows
  socket.on("close", () => sockets.delete(socket));
}
