/**
 * From a target to an open connection: dial, ask, judge the answer (RFC 6455 §4.1), and go where it leads, all of it
 * under one signal and one deadline. Whatever fails, the socket is let go.
 */

import { concat } from "../bytes.ts";
import { CompressionOffer } from "../connection/agreed_deflate.ts";
import { Connection } from "../connection/connection.ts";
import { ConnectionError, HandshakeTimedOutError, SslError } from "../errors.ts";
import { acceptKey, createKey } from "../handshake/accept_key.ts";
import { writeAuthority } from "../handshake/authority.ts";
import { judgeAnswer, serializeOffer, unreadableAnswer, unusableAnswer } from "../handshake/client_handshake.ts";
import {
  type HeaderLines,
  HttpHeadError,
  type ParsedHead,
  type ResponseHead,
  responseHeadParser,
} from "../handshake/http_head.ts";
import { checkWrite } from "../streams/compression_options.ts";
import { StreamReads } from "../streams/stream_reads.ts";
import { writeInParts } from "../streams/streamed_write.ts";
import type { ByteSink, ByteTransport } from "../transport/byte_transport.ts";
import type { Runtime } from "../transport/runtime.ts";
import { refuseSecure, tlsTools } from "../transport/secure_options.ts";
import type { ClientTls, ClientTlsSettings } from "../transport/tls.ts";
import { abortable } from "./abortable.ts";
import type { ClientRuntime, Connect, ConnectSettings, Opened } from "./connector.ts";
import { checkClient } from "./options.ts";
import { pingedEndpoint } from "./pinged_endpoint.ts";
import { proxyRoute } from "./proxy_route.ts";
import { headersAlong, redirectOf, tlsAlong, unusableRedirect } from "./redirect.ts";
import { Relay } from "./relay.ts";
import { ResponseBody } from "./response_body.ts";
import type { ClientSecureSocket } from "./secure_socket.ts";
import { parseTarget, redirectedTarget, type Target } from "./target.ts";
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
    writeInParts,
    plan(url, config) {
      const target = parseTarget(url);
      const settings = checkClient(config, target.dial.secure);
      const { pacing, limits, pingPongHandler: handler, readMs } = settings;
      const tls = loadTls(runtime, config?.secureSocket, settings.secureSocket, target);
      const route = proxyRoute(settings.proxy, runtime);
      route(target.dial); // What is wrong with it is said at once.
      return {
        href: target.href,
        secure: target.dial.secure,
        settings,
        connect: (signal) => connect(runtime, target, { ...settings, route, tls }, signal),
        ...(limits.streamedSize !== undefined && {
          streamReads: (endpoint, inbox) => new StreamReads(endpoint, inbox, limits, { clock, readMs }),
        }),
        endpoint: (client, socket, reader, more) =>
          pingedEndpoint(socket, reader, {
            client,
            handler,
            report,
            endpoint: { ...pacing, clock, deadlines, ...more },
          }),
      };
    },
  };
}

/** The files of `secureSocket`, read; refused is what the runtime cannot keep. */
function loadTls(
  runtime: Runtime,
  given: ClientSecureSocket | undefined,
  settings: ClientTlsSettings | undefined,
  { dial }: Target,
): ClientTls | undefined {
  if (settings === undefined) return undefined;
  const tls = tlsTools(runtime);
  refuseSecure(given, tls.refusals.client, runtime.name);
  const loaded = tls.loadClient(settings);
  if (!loaded.verify) {
    const server = writeAuthority(dial.hostname, dial.port);
    runtime.report(
      new SslError(`Anybody may answer for ${server}: "secureSocket.enable" is false, no certificate is verified`),
    );
  }
  return loaded;
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
    const headers = typeof settings.headers === "function"
      ? await abortable(settings.headers(controller.signal), controller.signal)
      : settings.headers;
    return await follow(runtime, target, { ...settings, headers }, controller.signal);
  } finally {
    cancelTimeout?.();
    signal.removeEventListener("abort", abort);
  }
}

/** Asks where the URL leads, and then where each answer leads, until one of them opens the connection or refuses. */
async function follow(
  runtime: Runtime,
  first: Target,
  settings: OpeningSettings,
  signal: AbortSignal,
): Promise<Opened> {
  const { cookies, route } = settings;
  let { headers, tls } = settings;
  let target = first;
  for (let followed = 0;; followed++) {
    const { dial, request } = target;
    const cookie = cookies && await abortable(cookies.headerFor(request, first.request.hostname), signal);
    const transport = await reach(runtime.dial, dial.secure ? { ...dial, tls } : dial, route, signal);
    const asked = { ...settings, tls, headers: cookie ? [...headers, ["Cookie", cookie] as const] : headers };
    const result = await new Opening(runtime, transport, asked, signal).run(target, followed);
    if ("socket" in result) return result;
    headers = headersAlong(headers, request, result.to);
    tls = tlsAlong(tls, request, result.to);
    target = redirectedTarget(target, result.to);
  }
}

/** What is asked for on one transport. */
interface OpeningSettings extends ConnectSettings {
  readonly headers: HeaderLines;
}

/** One opening handshake on one transport, and its listener until it is done. */
class Opening implements ByteSink {
  readonly #runtime: Runtime;
  readonly #relay: Relay;
  readonly #settings: OpeningSettings;
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

  constructor(runtime: Runtime, transport: ByteTransport, settings: OpeningSettings, signal: AbortSignal) {
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

  /** @param followed how many redirects led to `target` */
  async run(target: Target, followed: number): Promise<Opened | { readonly to: URL }> {
    const aborted = (): void => this.#failed(this.#signal.reason);
    this.#signal.addEventListener("abort", aborted);
    try {
      const result = await this.#run(target, followed);
      // Nobody waits for the body of a redirect.
      if ("to" in result) this.#relay.destroy();
      return result;
    } catch (error) {
      // The body of a refusal may still be on its way; whoever reads it lets go.
      if (!this.#readsBody) this.#relay.destroy();
      throw error;
    } finally {
      this.#signal.removeEventListener("abort", aborted);
      this.#offer?.withdraw();
    }
  }

  async #run(target: Target, followed: number): Promise<Opened | { readonly to: URL }> {
    const { request: url } = target;
    const { protocols, headers, origin, cookies, maxRedirects, limits, compression } = this.#settings;
    const { clock, deadlines, fillRandom, decodeAscii, allocate, deflate: tools } = this.#runtime;
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
    const setCookies = response.headers.getSetCookie();
    if (cookies && setCookies.length > 0) await abortable(cookies.keep(setCookies, url), this.#signal);
    const redirect = redirectOf(response, url, followed, maxRedirects);
    if (redirect && "to" in redirect) return redirect;
    const body = this.#body === undefined ? Promise.resolve("") : this.#readBody(this.#body);
    if (redirect) throw unusableRedirect(redirect, response, () => body);
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
      allocate,
      deflate: compressed?.deflate,
      head,
    });
    const { status, headers: answered } = response;
    const { href } = target.dial.socketPath === undefined ? url : target;
    return { socket, response: { status, headers: answered, url: href } };
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
    this.#failed(this.#lost(cause));
  }

  /** That it ended before there was an answer. */
  #lost(cause: Error | undefined): Error {
    if (cause instanceof SslError) return new SslError(`Cannot connect: ${cause.message}`, { cause: cause.cause });
    const options = cause === undefined ? undefined : { cause };
    // Some servers look at a certificate only when TLS is open, and then say no word.
    const guess = this.#settings.tls?.identity === undefined
      ? ""
      : ': it may refuse the certificate of "secureSocket.key"';
    return new ConnectionError(`Cannot connect: the server closed the connection without an answer${guess}`, options);
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
