/**
 * From a target to an open connection: dial, ask, judge the answer (RFC 6455 §4.1), all of it under one signal and one
 * deadline. Whatever fails, the socket is let go.
 */

import { concat } from "../bytes.ts";
import { CompressionOffer } from "../connection/agreed_deflate.ts";
import { Connection } from "../connection/connection.ts";
import { ConnectionError, HandshakeTimedOutError } from "../errors.ts";
import { acceptKey, createKey } from "../handshake/accept_key.ts";
import { judgeAnswer, serializeOffer, unreadableAnswer, unusableAnswer } from "../handshake/client_handshake.ts";
import { HttpHeadError, type ParsedHead, type ResponseHead, responseHeadParser } from "../handshake/http_head.ts";
import { checkWrite } from "../streams/compression_options.ts";
import type { ByteSink, ByteTransport } from "../transport/byte_transport.ts";
import type { Runtime } from "../transport/runtime.ts";
import type { ClientRuntime, Connect, ConnectSettings, Opened } from "./connector.ts";
import { checkClient } from "./options.ts";
import { pingedEndpoint } from "./pinged_endpoint.ts";
import { proxyRoute } from "./proxy_route.ts";
import { Relay } from "./relay.ts";
import { ResponseBody } from "./response_body.ts";
import { parseTarget, type Target } from "./target.ts";
import { reach } from "./tunnel.ts";

/** How long the body of a refusal may take to arrive once its head is there. */
const BODY_MS = 2_000;

/** A client's runtime that connects over pipes. */
export interface PipeRuntime extends ClientRuntime {
  readonly connect: Connect;
}

/** A client's runtime that connects over the pipes of `runtime`, with our own handshake and engine. */
export function clientRuntime(runtime: Runtime): PipeRuntime {
  const { clock, deadlines, report } = runtime;
  return {
    ...runtime,
    connect: (target, settings, signal) => connect(runtime, target, settings, signal),
    checkWrite,
    plan(url, config) {
      const target = parseTarget(url);
      const settings = checkClient(config);
      const { pacing, pingPongHandler: handler } = settings;
      const route = proxyRoute(settings.proxy, runtime);
      route(target.dial); // What is wrong with it is said at once.
      return {
        href: target.href,
        secure: target.dial.secure,
        settings,
        connect: (signal) => connect(runtime, target, { ...settings, route }, signal),
        endpoint: (client, socket, reader) =>
          pingedEndpoint(socket, reader, { client, handler, report, endpoint: { ...pacing, clock, deadlines } }),
      };
    },
  };
}

async function connect(
  runtime: Runtime,
  target: Target,
  settings: ConnectSettings,
  signal: AbortSignal,
): Promise<Opened> {
  const { handshakeMs } = settings;
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  const timedOut = (): void => {
    const seconds = handshakeMs / 1_000;
    controller.abort(new HandshakeTimedOutError(`Cannot connect: the handshake was not done within ${seconds} s`));
  };
  const cancelTimeout = handshakeMs < Infinity ? runtime.clock.after(handshakeMs, timedOut) : undefined;
  try {
    controller.signal.throwIfAborted();
    const transport = await reach(runtime.dial, target.dial, settings.route, controller.signal);
    return await new Opening(runtime, transport, settings, controller.signal).run(target.request);
  } finally {
    cancelTimeout?.();
    signal.removeEventListener("abort", abort);
  }
}

/** One opening handshake on one transport, and its listener until it is done. */
class Opening implements ByteSink {
  readonly #runtime: Runtime;
  readonly #relay: Relay;
  readonly #settings: ConnectSettings;
  readonly #signal: AbortSignal;
  #offer: CompressionOffer | undefined;
  readonly #parser = responseHeadParser();
  #body: ResponseBody | undefined;
  #readsBody = false;
  #bodyEnded: (() => void) | undefined;
  #isOver = false;
  #answered!: (answer: ParsedHead<ResponseHead>) => void;
  #failed!: (reason: unknown) => void;
  readonly #answer: Promise<ParsedHead<ResponseHead>>;

  constructor(runtime: Runtime, transport: ByteTransport, settings: ConnectSettings, signal: AbortSignal) {
    this.#runtime = runtime;
    this.#relay = Relay.of(transport);
    this.#settings = settings;
    this.#signal = signal;
    this.#answer = new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
    });
    // It may fail after somebody has stopped waiting for it.
    this.#answer.catch(ignore);
  }

  async run(url: URL): Promise<Opened> {
    const aborted = (): void => this.#failed(this.#signal.reason);
    this.#signal.addEventListener("abort", aborted);
    try {
      return await this.#run(url);
    } catch (error) {
      // The body of a refusal may still be on its way; whoever reads it lets go.
      if (!this.#readsBody) this.#relay.destroy();
      throw error;
    } finally {
      this.#signal.removeEventListener("abort", aborted);
      this.#offer?.withdraw();
    }
  }

  async #run(url: URL): Promise<Opened> {
    const { protocols, headers, origin, limits, compression } = this.#settings;
    const { clock, deadlines, fillRandom, decodeAscii, deflate: tools } = this.#runtime;
    const key = createKey(fillRandom);
    this.#offer = compression && tools && new CompressionOffer(compression, tools);
    const extensions = this.#offer?.extensions ?? [];
    const offer = { url, key, protocols, extensions, headers, ...(origin !== undefined && { origin }) };
    const request = serializeOffer(offer);
    const accepted = acceptKey(key);
    this.#relay.start(this);
    this.#signal.throwIfAborted();
    this.#relay.write(request);

    const { head: response, rest } = await this.#answer;
    const body = this.#body === undefined ? Promise.resolve("") : this.#readBody(this.#body);
    const agreement = judgeAnswer(response, { accept: await accepted, protocols, extensions }, () => body);
    this.#signal.throwIfAborted();
    const compressed = this.#offer?.verify(agreement.extensions);
    if (compressed && "problem" in compressed) {
      throw unusableAnswer(compressed.problem, response.status, response.headers);
    }
    const head = concat(rest, this.#relay.takeKept());
    const socket = new Connection(this.#relay, {
      role: "client",
      protocol: agreement.protocol,
      limits,
      clock,
      deadlines,
      fillRandom,
      decodeAscii,
      deflate: compressed?.deflate,
      head,
    });
    return { socket, response: { status: response.status, headers: response.headers } };
  }

  bytes(chunk: Uint8Array): void {
    if (this.#body !== undefined) return this.#receiveBody(chunk);
    try {
      const answer = this.#parser.receive(chunk);
      if (answer === undefined) return;
      // What follows a 101 is the connection's; what follows anything else is its body.
      if (answer.head.status === 101) this.#relay.suspend();
      else this.#startBody(answer);
      this.#answered(answer);
    } catch (error) {
      this.#relay.suspend();
      this.#failed(error instanceof HttpHeadError ? unreadableAnswer(error) : error);
    }
  }

  drained(): void {}

  ended(): void {
    this.closed();
  }

  closed(cause?: Error): void {
    this.#isOver = true;
    this.#bodyEnded?.();
    const options = cause === undefined ? undefined : { cause };
    this.#failed(new ConnectionError("Cannot connect: the server closed the connection without an answer", options));
  }

  #startBody({ head, rest }: ParsedHead<ResponseHead>): void {
    this.#body = new ResponseBody(head.status, head.headers);
    this.#body.receive(rest);
  }

  #receiveBody(chunk: Uint8Array): void {
    this.#body?.receive(chunk);
    if (this.#body?.isComplete) this.#bodyEnded?.();
  }

  /** Resolves when the body is there, as much of it as is kept, or its time is up; and lets the socket go then. */
  async #readBody(body: ResponseBody): Promise<string> {
    this.#readsBody = true;
    if (!body.isComplete && !this.#isOver) {
      await new Promise<void>((resolve) => {
        const cancel = this.#runtime.clock.after(BODY_MS, resolve);
        this.#bodyEnded = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#relay.destroy();
    return body.text();
  }
}

function ignore(): void {}
