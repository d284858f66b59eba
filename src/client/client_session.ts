/**
 * A client from its first attempt to connect to its end: one connection, or with `retryConfig` one after the other, and the
 * one inbox that all of it comes to. Knows no message and no frame, and nothing of what the client's methods are called.
 */

import { type Closure, ConnectionClosureError, ConnectionError } from "../errors.ts";
import { Inbox } from "../streams/inbox.ts";
import type { MessageStream } from "../streams/incoming_message.ts";
import type { MessageEndpoint } from "../streams/message_endpoint.ts";
import { MessageQueue } from "../streams/message_queue.ts";
import { MessageReads } from "../streams/message_reads.ts";
import type { ReadOptions } from "../streams/pending_nexts.ts";
import type { EndpointReader } from "../streams/message_endpoint.ts";
import type { PlainEndpoint } from "../streams/plain_endpoint.ts";
import type { StreamReads } from "../streams/stream_reads.ts";
import { unheard } from "../streams/unheard.ts";
import type { Message } from "../transport/message_socket.ts";
import type { ClientPlan, ClientRuntime, EndpointExtras, HttpResponse, Opened, Pinged } from "./connector.ts";
import { callHandler } from "./control_handlers.ts";
import { ReconnectingEndpoint } from "./reconnecting_endpoint.ts";
import { Requests, type SendRequest } from "./requests.ts";
import { failureOf } from "./retry.ts";
import type { RetrySettings } from "./retry_options.ts";

/** What there is to read from and to write to. */
export interface OpenSession {
  readonly endpoint: MessageEndpoint;
  readonly inbox: Inbox;
  readonly reads: MessageReads;
  readonly streams: StreamReads | undefined;
}

export class ClientSession<Client extends Pinged> {
  /** As a client's. Its rejection may go unheard. */
  readonly opened: Promise<void>;
  /** As a client's. */
  readonly closed: Promise<Closure>;
  readonly readOptions: ReadOptions;
  readonly #client: Client;
  readonly #runtime: ClientRuntime;
  readonly #plan: ClientPlan<Client>;
  readonly #connecting = new AbortController();
  #open: OpenSession | undefined;
  /** Made for the first request. */
  #requests: Requests | undefined;
  /** How connecting failed, when it did. */
  #failure: Closure | undefined;
  /** The last connection that was opened. */
  #opened: Opened | undefined;

  /** Begins to connect. */
  constructor(client: Client, runtime: ClientRuntime, plan: ClientPlan<Client>) {
    this.#client = client;
    this.#runtime = runtime;
    this.#plan = plan;
    this.readOptions = { clock: runtime.clock, readMs: plan.settings.readMs };
    const { retry } = plan.settings;
    if (retry !== undefined) {
      const endpoint = this.#keepConnected(retry);
      this.opened = unheard(endpoint.opened);
      this.closed = endpoint.whenClosed();
      return;
    }
    const connected = this.#connect();
    this.opened = unheard(connected.then(ignore));
    this.closed = connected.then(
      ({ endpoint }) => endpoint.whenClosed(),
      (error: unknown) => this.#failure ??= failureOf(error),
    );
  }

  /**
   * The requests over these connections.
   *
   * @throws {TypeError} when no field for their ids is set
   */
  requests(send: SendRequest): Requests {
    const { requests, validation } = this.#plan.settings;
    return this.#requests ??= new Requests({ ...requests, validation }, this.#runtime.clock, send);
  }

  /** Undefined until the connection is open; with `retryConfig` it is there from the beginning on. */
  get endpoint(): MessageEndpoint | undefined {
    return this.#open?.endpoint;
  }

  /** Whether there was a connection. */
  get wasOpened(): boolean {
    return this.#opened !== undefined;
  }

  /** The answer that opened the last connection. */
  get response(): HttpResponse | undefined {
    return this.#opened?.response;
  }

  /** @throws what says that the connection is not open yet, or never was */
  open(action: string): OpenSession {
    if (this.#open !== undefined) return this.#open;
    if (this.#failure !== undefined) throw new ConnectionClosureError(action, this.#failure);
    throw new TypeError(`${action}: the connection is not open yet, "opened" tells when it is`);
  }

  /**
   * The next message as a stream.
   *
   * @throws {TypeError} when the option for it is not set
   */
  readStream(): Promise<MessageStream> {
    if (this.#plan.streamReads === undefined) {
      throw new TypeError('Cannot read a message as a stream: it needs the option "messageStreams"');
    }
    try {
      return this.open("Cannot read a message").streams!.read();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As an endpoint's; gives up connecting when there is none. */
  close(code: number, reason: string, timeoutMs: number): Promise<Closure> {
    if (this.#open !== undefined) return this.#open.endpoint.close(code, reason, timeoutMs);
    this.#connecting.abort(new ConnectionError("Cannot connect: the client was closed before the connection was open"));
    return this.closed;
  }

  /** As an endpoint's; gives up connecting when there is none. */
  terminate(): void {
    if (this.#open !== undefined) return this.#open.endpoint.terminate();
    this.#connecting.abort(new ConnectionError("Cannot connect: the client was terminated"));
  }

  async #connect(): Promise<OpenSession> {
    const unlisten = this.#listenToSignal();
    try {
      const connecting = this.#connecting.signal;
      const opened = await this.#plan.connect(connecting);
      if (connecting.aborted) {
        // Given up between the last byte of the handshake and this line: nobody listened any more.
        opened.socket.destroy();
        throw connecting.reason;
      }
      const endpoint = this.#begin(opened, { closed: () => open.inbox.closed() });
      const open = this.#open = this.#around(endpoint);
      endpoint.whenClosed().then(unlisten);
      endpoint.start();
      return open;
    } catch (error) {
      unlisten();
      this.#failure = failureOf(error);
      throw error;
    }
  }

  /** Connects again and again, as `retry` says. */
  #keepConnected(retry: RetrySettings<Client>): ReconnectingEndpoint {
    const { clock, fillRandom, report } = this.#runtime;
    const { handshakeMs, pacing, writeMs } = this.#plan.settings;
    const endpoint = new ReconnectingEndpoint({
      clock,
      fillRandom,
      report,
      retry,
      handshakeMs,
      writeMs,
      queue: new MessageQueue(pacing.readAhead),
      connect: (signal) => this.#plan.connect(signal),
      endpoint: (opened, ends, extras) => this.#begin(opened, ends, extras),
      onReconnect: (info) => retry.onReconnect?.(this.#client, info),
      ended: () => open.inbox.closed(),
    });
    const open = this.#open = this.#around(endpoint);
    endpoint.whenClosed().then(this.#listenToSignal());
    endpoint.start();
    return endpoint;
  }

  #around(endpoint: MessageEndpoint): OpenSession {
    const inbox = new Inbox(endpoint);
    const streams = this.#plan.streamReads?.(endpoint, inbox);
    return { endpoint, inbox, reads: new MessageReads(inbox, this.readOptions), streams };
  }

  /** The endpoint of one connection, not started yet: what comes over it comes here first. */
  #begin(opened: Opened, ends: Pick<EndpointReader, "closed" | "unsent">, extras?: EndpointExtras): PlainEndpoint {
    this.#opened = opened;
    const reader: EndpointReader = {
      ...ends,
      message: (message) => this.#message(message),
      messagePart: (part, fin) => this.#open!.streams!.part(part, fin),
      idle: () => this.#onIdle(endpoint),
      // What it still sends is no part of a message.
      closing: () => this.#cut(endpoint),
      closed: (closure) => {
        this.#cut(endpoint);
        ends.closed(closure);
        this.#requests?.ended(endpoint.closedError("Cannot get a reply"));
      },
    };
    const endpoint = this.#plan.endpoint(this.#client, opened.socket, reader, extras);
    return endpoint;
  }

  #message(message: Message): void {
    const { endpoint, inbox } = this.#open!;
    if (!this.#requests?.take(message, endpoint)) inbox.message(message);
  }

  #cut(endpoint: PlainEndpoint): void {
    this.#open?.streams?.cut(endpoint.closedError("Cannot read further"));
  }

  /** Drops everything once the signal is aborted. Returns what stops listening. */
  #listenToSignal(): () => void {
    const { signal } = this.#plan.settings;
    const abort = (): void => this.#abort(signal!.reason);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    return () => signal?.removeEventListener("abort", abort);
  }

  #abort(reason: unknown): void {
    if (this.#open === undefined) return this.#connecting.abort(reason);
    this.#open.endpoint.terminate(new ConnectionError("The signal was aborted", { cause: reason }), reason);
  }

  #onIdle(endpoint: PlainEndpoint): void {
    const { onIdleTimeout } = this.#plan.settings;
    if (onIdleTimeout === undefined) void endpoint.close(1001, "idle timeout");
    else callHandler(() => onIdleTimeout(this.#client), this.#runtime.report);
  }
}

function ignore(): void {}
