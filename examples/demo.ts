/**
 * The main job on real sockets, in one process: a chat server with clients that talk to it, then a file that goes out
 * through `client.writable` and comes back through `client.readable`. Prints what happened; fails when it did not.
 */

import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Readable } from "node:stream";
import { type Caller, Client, Listener, type Service } from "../mod.ts";

/** One room: everybody hears everybody. */
const room = new Map<Caller, string>();

function tellAll(text: string): void {
  for (const caller of room.keys()) caller.writeTextMessage(text).catch(() => {}); // gone meanwhile: onClose says so
}

/** The service of one connection. */
class Chat implements Service {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  onOpen(caller: Caller): string {
    tellAll(`${this.#name} joined`);
    room.set(caller, this.#name);
    return `Hi ${this.#name}, you are one of ${room.size}`;
  }

  onTextMessage(_caller: Caller, text: string): void {
    tellAll(`${this.#name}: ${text}`);
  }

  onClose(caller: Caller): void {
    room.delete(caller);
    tellAll(`${this.#name} left`);
  }
}

/** Sends back what it gets, whatever it is. */
const mirror: Service = { onMessage: (_caller, message) => message };

const listener = new Listener(0, { host: "127.0.0.1" });
listener.attach("/chat/:name", { get: (_request, { params }) => new Chat(params.name) });
listener.attach("/mirror", { get: () => mirror });
await listener.start();
console.log(`Listening on ${listener.url}\n`);

await chat();
await mirrorFile(16 * 1024 * 1024);

const { cut } = await listener.gracefulStop({ timeout: 5 });
console.log(`\nStopped: ${cut === 0 ? "no connection was" : `${cut} connections were`} cut`);
if (cut > 0) process.exitCode = 1;

async function chat(): Promise<void> {
  console.log("A chat");
  const ada = await enter("ada");
  const heardByAda = listen("ada", ada, 4);
  const ben = await enter("ben");
  const heardByBen = listen("ben", ben, 3);
  await ada.writeTextMessage("Hello, Ben!");
  await ben.writeTextMessage("Hello, Ada!");
  await Promise.all([heardByAda, heardByBen]);
  const { code, clean } = await ben.close();
  console.log(`  ben closed with ${code}, ${clean ? "cleanly" : "not cleanly"}`);
  const last = await ada.readTextMessage();
  console.log(`  ada < ${last}`);
  await ada.close();
}

function enter(name: string): Promise<Client> {
  return Client.connect(`${listener.url}/chat/${name}`);
}

/** Prints the next `count` messages as they come. */
async function listen(name: string, client: Client, count: number): Promise<void> {
  for (let i = 0; i < count; i++) console.log(`  ${name} < ${await client.readTextMessage()}`);
}

async function mirrorFile(size: number): Promise<void> {
  console.log(`\nA file of ${size / 1_048_576} MiB, there and back`);
  const folder = await mkdtemp(join(tmpdir(), "hawser-demo-"));
  try {
    const path = join(folder, "file");
    const content = randomBytes(size);
    await writeFile(path, content);

    const client = await Client.connect(`${listener.url}/mirror`);
    const sent = createHash("sha256").update(content).digest("hex");
    const received = createHash("sha256");
    const started = performance.now();
    let back = 0;
    const file = Readable.toWeb(createReadStream(path, { highWaterMark: 65_536 }));
    const sending = (file as ReadableStream<Uint8Array>).pipeTo(client.writable, { preventClose: true });
    const reading = (async () => {
      for await (const message of client.readable) {
        received.update(message);
        back += message.length;
        if (back < size) continue;
        await sending; // the last bytes may be back before the file has told of its end
        return; // leaving the stream closes the client
      }
    })();
    await Promise.all([sending, reading]);
    const milliseconds = Math.round(performance.now() - started);
    const digest = received.digest("hex");
    console.log(`  sent     sha256 ${sent}`);
    console.log(`  received sha256 ${digest}, ${back} bytes in ${milliseconds} ms`);
    if (digest !== sent) throw new Error("The file came back changed");
    const { code } = await client.closed;
    console.log(`  the same, and closed with ${code}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
