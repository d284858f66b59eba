/** Chromium without a window, driven over the DevTools protocol, which is a WebSocket: that client is ours, too. */

import { Buffer } from "node:buffer";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../../../mod.ts";
import { commandPath } from "../../../scripts/system_packages.ts";
import { startDaemon } from "./daemon.ts";
import type { PeerClosure, PeerConnection } from "./peer_process.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];

/** An answer or an event of DevTools. */
interface Said {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly sessionId?: string;
}

interface Evaluated {
  readonly result: { readonly value: unknown };
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
}

/** Its helpers may still be on their way out, and write. Deno 2.9 takes no notice of the `maxRetries` of `rm`. */
async function remove(profile: string): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return await rm(profile, { recursive: true, force: true });
    } catch (error) {
      if (tries === 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

export class Chromium {
  readonly #client: Client;
  readonly #end: () => Promise<void>;
  readonly #calls = new Map<number, (said: Said) => void>();
  #onEvent: (said: Said) => void = () => {};
  #lastId = 0;

  static async start(): Promise<Chromium> {
    const profile = await mkdtemp(join(tmpdir(), "hawser-chromium-"));
    const args = [...FLAGS, `--user-data-dir=${profile}`, "about:blank"];
    const daemon = await startDaemon(commandPath("chromium")!, args, /DevTools listening on (ws:\S+)\s/);
    const end = async (): Promise<void> => {
      await daemon.stop();
      await remove(profile);
    };
    try {
      return new Chromium(await Client.connect(daemon.ready), end);
    } catch (error) {
      await end();
      throw error;
    }
  }

  private constructor(client: Client, end: () => Promise<void>) {
    this.#client = client;
    this.#end = end;
    void this.#listen();
  }

  /** Ends it. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#client.terminate();
    await this.#end();
  }

  /** Opens a page. Resolves when it is loaded. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank" }) as { targetId: string };
    const attach = { targetId, flatten: true };
    const { sessionId } = await this.call("Target.attachToTarget", attach) as { sessionId: string };
    await this.call("Page.enable", {}, sessionId);
    const loaded = new Promise<void>((resolve) => {
      this.#onEvent = (said) => {
        if (said.method === "Page.loadEventFired" && said.sessionId === sessionId) resolve();
      };
    });
    await this.call("Page.navigate", { url }, sessionId);
    await loaded;
    return new Page(this, targetId, sessionId);
  }

  /** Calls a method of DevTools. */
  call(method: string, params: object, sessionId?: string): Promise<unknown> {
    const id = ++this.#lastId;
    const answered = new Promise<Said>((resolve, reject) => {
      this.#calls.set(id, resolve);
      const call = { id, method, params, ...(sessionId === undefined ? {} : { sessionId }) };
      this.#client.writeMessage(call).catch(reject);
    });
    return answered.then(({ result, error }) => {
      if (error !== undefined) throw new Error(`${method}: ${error.message}`);
      return result;
    });
  }

  async #listen(): Promise<void> {
    let why = "DevTools closed the connection";
    try {
      for await (const message of this.#client) {
        const said = JSON.parse(String(message)) as Said;
        if (said.id === undefined) this.#onEvent(said);
        else this.#calls.get(said.id)?.(said);
        if (said.id !== undefined) this.#calls.delete(said.id);
      }
    } catch (error) {
      why = String(error);
    }
    for (const answer of this.#calls.values()) answer({ error: { message: why } });
  }
}

export class Page {
  readonly #chromium: Chromium;
  readonly #targetId: string;
  readonly #sessionId: string;

  constructor(chromium: Chromium, targetId: string, sessionId: string) {
    this.#chromium = chromium;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
  }

  /** What `expression` is inside the page; of a promise, what it resolves to. */
  async evaluate(expression: string): Promise<unknown> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const evaluated = await this.#chromium.call("Runtime.evaluate", params, this.#sessionId) as Evaluated;
    const { result, exceptionDetails } = evaluated;
    if (exceptionDetails === undefined) return result.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  /** Calls a method of DevTools that is about this page. */
  call(method: string, params: object = {}): Promise<unknown> {
    return this.#chromium.call(method, params, this.#sessionId);
  }

  /** Presses a key, as a person does. */
  async press(key: string): Promise<void> {
    const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
    await this.call("Input.dispatchKeyEvent", { type: "keyDown", key, ...(text !== undefined && { text }) });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", key });
  }

  /** A picture of it, as PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.call("Page.captureScreenshot") as { data: string };
    return Buffer.from(data, "base64");
  }

  /** Closes it. */
  async close(): Promise<void> {
    await this.#chromium.call("Target.closeTarget", { targetId: this.#targetId });
  }
}

/** What peers/parrot.ts says, in a page. A browser has no way to send fragments. */
const PARROT = `new Promise((resolve, reject) => {
  const socket = new WebSocket(location.href.replace("http", "ws"));
  socket.binaryType = "arraybuffer";
  window.ended = new Promise((end) => socket.onclose = ({ code, reason }) => end({ code, reason }));
  socket.onopen = () => resolve(socket.extensions);
  socket.onerror = () => reject(new Error("no connection"));
  socket.onmessage = ({ data }) => {
    const [command, code, ...words] = typeof data === "string" ? data.split(" ") : [];
    if (command !== "!close") socket.send(data);
    else if (code === undefined) socket.close();
    else socket.close(Number(code), words.join(" "));
  };
})`;

/** Chromium as a peer: each connection is one page's, which comes from where the connection goes to. */
export class ChromiumPeer {
  readonly #chromium: Promise<Chromium>;
  #page: Promise<Page> | undefined;

  constructor() {
    this.#chromium = Chromium.start();
    this.#chromium.catch(() => {}); // It is told to whoever uses it.
  }

  tell(url: string): void {
    this.#page = this.#chromium.then((chromium) => chromium.open(url.replace("ws", "http")));
    this.#page.catch(() => {}); // It is told by nextConnection.
  }

  async nextConnection(): Promise<PeerConnection> {
    const page = await this.#page!;
    const extensions = await page.evaluate(PARROT) as string;
    const closed = page.evaluate("ended") as Promise<PeerClosure>;
    closed.catch(() => {}); // A test need not wait for it.
    return { extensions, closed };
  }

  async stop(): Promise<void> {
    await (await this.#chromium).stop();
  }
}
