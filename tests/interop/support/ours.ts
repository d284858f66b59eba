/** Our end of a connection, a client or a listener's caller, used alike. */

import { onTestFinished } from "vitest";
import {
  type Caller,
  Client,
  type ClientConfiguration,
  Listener,
  type ListenerConfiguration,
  type Message,
  type Service,
  type UpgradeServiceOptions,
} from "../../../mod.ts";

export interface Ours {
  send(message: Message): Promise<void>;
  read(): Promise<Message>;
  close(code?: number, reason?: string): void;
  /** How it ended: the peer's code and reason. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string; readonly clean: boolean }>;
}

/** A client of ours, connected, gone when the test is over. */
export async function connect(url: string, config?: ClientConfiguration): Promise<Client> {
  const client = new Client(url, config);
  // A test that ends as it should has closed it: this is for those that do not.
  onTestFinished(() => client.terminate());
  await client.opened;
  return client;
}

export function ofClient(client: Client): Ours {
  return {
    send: (message) => client.writeMessage(message),
    read: () => client.readMessage(),
    close: (code, reason) => void client.close(code, reason),
    closed: client.closed.then(({ code, reason, clean }) => ({ code, reason, clean })),
  };
}

/** A started listener on a free port, gone when the test is over. */
export async function listen(
  service: Service,
  config: ListenerConfiguration = {},
  options: UpgradeServiceOptions = {},
): Promise<Listener> {
  const listener = new Listener(0, { host: "127.0.0.1", ...config });
  onTestFinished(() => void listener.immediateStop());
  listener.attach("/", { ...options, get: () => service });
  await listener.start();
  return listener;
}

/** A service for one connection, and our end of it once it is there. */
export class Reception {
  readonly service: Service;
  readonly ours: Promise<Ours>;

  constructor() {
    let controller: ReadableStreamDefaultController<Message> | undefined;
    const reader = new ReadableStream<Message>({ start: (itsOwn) => void (controller = itsOwn) }).getReader();
    let begin: (caller: Caller) => void = () => {};
    const caller = new Promise<Caller>((resolve) => begin = resolve);
    let end: (code: number, reason: string) => void = () => {};
    const closed = new Promise<{ code: number; reason: string; clean: boolean }>((resolve) => {
      end = (code, reason) => resolve({ code, reason, clean: code !== 1006 });
    });
    let cause: unknown;
    this.service = {
      onOpen: (caller) => begin(caller),
      onMessage: (_caller, message) => controller!.enqueue(message),
      onClose(_caller, code, reason) {
        end(code, reason);
        controller!.error(new Error(`The connection ended with ${code} "${reason}"`, { cause }));
      },
      onError: (_caller, error) => void (cause = error),
    };
    this.ours = caller.then((caller) => ({
      send: (message) => caller.writeMessage(message),
      async read() {
        const { value } = await reader.read();
        return value!;
      },
      close: (code, reason) => void caller.close(code, reason),
      closed,
    }));
  }
}
