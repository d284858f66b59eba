/**
 * A program of somebody who uses hawser, for `npm run test:package`: a listener, a client, messages both ways over a
 * real socket, an orderly end. It is compiled and run far from here, and its imports name the package or a checkout
 * then. Prints one line.
 */

import {
  type Caller,
  Client,
  type ClientConfiguration,
  type Closure,
  Listener,
  type Message,
  type Service,
  UpgradeError,
  WebSocketError,
} from "../../mod.ts";

class Greeter implements Service {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  onOpen(): string {
    return `Hi ${this.#name}!`;
  }

  onTextMessage(_caller: Caller, text: string): string {
    return text.toUpperCase();
  }

  onBinaryMessage(_caller: Caller, data: Uint8Array): Uint8Array {
    return data.slice().reverse();
  }
}

const listener = new Listener(0, { host: "127.0.0.1" });
listener.attach("/chat/:name", {
  get: (_request, { params }) => params.name === "eve" ? new UpgradeError(403, "Not you") : new Greeter(params.name),
});
await listener.start();

const refused: unknown = await Client.connect(`${listener.url}/chat/eve`).catch((error: unknown) => error);
if (!(refused instanceof WebSocketError)) throw new Error("Eve was let in");

const configuration: ClientConfiguration = { webSocketCompressionEnabled: true };
const client = await Client.connect(`${listener.url}/chat/ada`, configuration);
await client.writeTextMessage("hello");
await client.writeBinaryMessage(Uint8Array.of(1, 2, 3));
await client.writeTextMessage("long ".repeat(10_000));
const heard: Message[] = [];
for await (const message of client) {
  heard.push(message);
  if (heard.length === 4) break;
}
const { code, clean }: Closure = await client.closed;
const { cut } = await listener.gracefulStop({ timeout: 5 });
const lengths = heard.map((message) => typeof message === "string" ? message.length : `${message}`);
console.log(`${lengths.join(" ")}, closed with ${code}, ${clean ? "cleanly" : "not cleanly"}, ${cut} cut`);
