/**
 * A listener (features L1 to L8): its services, its port, and how it stops. Knows no runtime: it is handed one.
 */

import { checkClose } from "../close_code.ts";
import { checkNames } from "../option_check.ts";
import { closeMillis } from "../seconds.ts";
import { UnsupportedError } from "../errors.ts";
import { BufferBudget } from "../transport/buffer_budget.ts";
import type { Runtime } from "../transport/runtime.ts";
import { refuseSecure, tlsTools } from "../transport/secure_options.ts";
import type { ServerTls, ServerTlsSettings } from "../transport/tls.ts";
import type { Host, Limitations, Listening, ListenOptions } from "../transport/upgrade.ts";
import {
  checkHostedListener,
  checkListener,
  checkTarget,
  type ListenerConfiguration,
  type ListenerSettings,
} from "./options.ts";
import { type Reporter, reporterOf } from "./reporter.ts";
import { Router } from "./router.ts";
import { checkListenerSecure, type ListenerSecureSocket } from "./secure_socket.ts";
import type { AnyUpgradeService, Attachable, PathParams, UpgradeResult } from "./service.ts";
import type { StopResult } from "./session_set.ts";
import { UpgradePipeline } from "./upgrade_pipeline.ts";

/** Options of `gracefulStop`. */
export interface StopOptions {
  /** Seconds to wait for close frames and handlers before what is left is cut; −1 for ever. Default 10. */
  readonly timeout?: number;
  /** The status code of the close frames. Default 1001. */
  readonly statusCode?: number;
  /** Their reason, at most 123 bytes of UTF-8. Default empty. */
  readonly reason?: string;
}

/** What a listener has counted since it was made. */
export interface ListenerStats {
  /** Connections that are open now. */
  readonly open: number;
  /** Connections that were ever opened. */
  readonly opened: number;
  /** Bytes that connections keep in memory now because of their peers: what `maxTotalBuffered` bounds. */
  readonly buffered: number;
  /** Requests that were refused, by HTTP status; on a server of your own, of those only upgrades. */
  readonly refused: Readonly<Record<number, number>>;
  /**
   * Connections that have ended, by the status code of the first close frame: ours when a limit was passed (1008, 1009,
   * 1013), when a rule was broken (1002, 1007), or when somebody here closed; 1006 for none.
   */
  readonly closed: Readonly<Record<number, number>>;
  /** Clients that left before their upgrade was decided. */
  readonly left: number;
  /** Messages that no handler takes. */
  readonly unhandled: number;
  /** Messages that were not handled because this side had closed already. */
  readonly dropped: number;
  /** Messages that were not sent because too much waited: dropped, or their writes rejected (`bufferPolicy`). */
  readonly discarded: number;
  /** Answers that could not be sent because the peer had left, and that no `onError` heard of. */
  readonly unsent: number;
}

/**
 * Accepts WebSockets on a port, or on an HTTP server that exists already. This is what every `Listener` is: a type, for
 * code that takes one from anywhere.
 */
export class Listener {
  readonly #host: Host;
  readonly #limitations: Limitations | undefined;
  readonly #errors: Reporter;
  readonly #target: number | object;
  readonly #settings: ListenerSettings;
  readonly #router = new Router(() => this.#limitsNow());
  readonly #pipeline: UpgradePipeline;
  readonly #buffers: BufferBudget;
  readonly #runtime: Runtime;
  /** For the next start, and what runs. */
  #tls: ServerTls | undefined;
  #listening: Listening | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<StopResult> | undefined;

  /**
   * Binds nothing yet: `start` does.
   *
   * @param target a port (0: a free one), or the runtime's own HTTP server
   * @throws {TypeError} for an unknown option, one of the wrong kind, and what this version does not do
   * @throws {RangeError} for a port or an option that is out of range
   * @throws {UnsupportedError} for a native host where there is none, and for an option that it cannot keep
   * @throws {SslError} for a key, a certificate or a store that cannot be used; its `file` names it
   * @ignore
   */
  constructor(
    runtime: Runtime,
    target: number | { on(...args: never[]): unknown },
    config: ListenerConfiguration = {},
  ) {
    this.#runtime = runtime;
    this.#target = target;
    checkTarget(target);
    this.#settings = checkListener(target, config);
    const { native, timeoutMs, compression, trusts, places, maxTotalBuffered, auth, onError } = this.#settings;
    if (native && runtime.nativeHost === undefined) {
      const reason = `${runtime.name} has no server of its own for WebSockets`;
      throw new UnsupportedError(`Cannot use the option "host": ${reason}`, "native host", runtime.name);
    }
    const nativeHost = native ? runtime.nativeHost : undefined;
    if (nativeHost !== undefined) checkHostedListener(config, nativeHost.limitations);
    this.#host = (options, onUpgrade) => (nativeHost ?? runtime).host(options, onUpgrade);
    const limitations = this.#limitations = nativeHost?.limitations;
    this.#tls = this.#load(config.secureSocket, this.#settings.secureSocket);
    const errors = this.#errors = reporterOf(onError, (error) => runtime.report(error));
    const router = this.#router;
    this.#pipeline = new UpgradePipeline({
      router,
      runtime,
      timeoutMs,
      compression,
      trusts,
      places,
      buffers: this.#buffers = new BufferBudget(maxTotalBuffered),
      auth,
      errors,
      limitations,
    });
  }

  /**
   * Serves upgrades to `path` with `service`, from now on, whether started or not. `:name` takes one segment, `*` as the
   * last takes all that follow; the most specific path wins. Empty segments and matrix parameters (`;a=1`) count for nothing. Other
   * paths get 404.
   *
   * @throws {TypeError} when the path is ill-formed or taken, when the service has no `get`, or an option is wrong
   * @throws {RangeError} when an option is out of range
   * @throws {UnsupportedError} when the listener's native host cannot keep an option
   * @example
   * ```ts
   * import { AuthnError, Client, Listener } from "hawser";
   *
   * const listener = new Listener(0, { host: "127.0.0.1" });
   * listener.attach("/chat/:name", {
   *   idleTimeout: 60, // seconds
   *   get: (_request, { params, query }) => {
   *     if (query.get("key") !== "secret") return new AuthnError("Who are you?");
   *     return { onOpen: () => `Hi ${params.name}!` };
   *   },
   * });
   * await listener.start();
   *
   * const client = await Client.connect(`${listener.url}/chat/Ada?key=secret`);
   * console.log(await client.readTextMessage()); // Hi Ada!
   * await client.close();
   * await listener.gracefulStop();
   * ```
   */
  attach<
    Path extends string,
    Result extends UpgradeResult,
    Params = PathParams<Path>,
    Query = URLSearchParams,
    RequestHeaders = Headers,
    Asked = unknown,
    Names = unknown,
  >(path: Path, service: Attachable<Path, Result, Params, Query, RequestHeaders, Asked, Names>): void {
    this.#router.attach(path, service);
  }

  /**
   * Takes `service` out: new upgrades get 404, open connections live on.
   *
   * @throws {TypeError} when it is not attached
   */
  detach(service: AnyUpgradeService): void {
    this.#router.detach(service);
  }

  /**
   * Opens the port. Resolves when it is bound, at once when it is already.
   *
   * @throws {ConnectionError} as a rejection, when it cannot be bound; the system's error is its `cause`
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * The port that is bound; before the start the one that was given.
   *
   * @throws {TypeError} when that is not known before the start
   */
  get port(): number {
    if (this.#listening !== undefined) return this.#listening.port;
    if (typeof this.#target === "number" && this.#target !== 0) return this.#target;
    throw new TypeError("Cannot tell the port: the listener has not started");
  }

  /**
   * Where to connect to, such as `ws://127.0.0.1:9090`, without a path; with TLS `wss:`.
   *
   * @throws {TypeError} when the port is not known before the start
   */
  get url(): string {
    const { hostname, secure } = this.#listening ??
      { hostname: this.#settings.hostname, secure: this.#tls !== undefined };
    return `${secure ? "wss" : "ws"}://${reachable(hostname)}:${this.port}`;
  }

  /**
   * Stops accepting (new upgrades get 503), closes every connection, waits for close frames and handlers up to `timeout`,
   * 10 seconds by default, then cuts the rest. Resolves with how many closed cleanly and how many were cut. Services stay
   * attached: it may be started again.
   *
   * @throws {TypeError} at once, for an option that there is not, or of the wrong kind
   * @throws {RangeError} at once, when an option is out of range
   */
  gracefulStop(options: StopOptions = {}): Promise<StopResult> {
    checkNames(options, STOP_NAMES);
    const { timeout = 10, statusCode = 1001, reason = "" } = options;
    const timeoutMs = closeMillis("timeout", timeout);
    checkClose(statusCode, reason);
    return this.#stopOnce(() => this.#pipeline.sessions.closeAll(statusCode, reason, timeoutMs));
  }

  /**
   * Stops accepting and cuts every connection at once, without close frames; ends a `gracefulStop` under way. Resolves
   * when they are gone.
   */
  async immediateStop(): Promise<void> {
    const { sessions } = this.#pipeline;
    const underWay = this.#stopping;
    const stopped = this.#stopOnce(async () => {
      await sessions.terminateAll();
      return { closed: 0, cut: 0 };
    });
    // A graceful stop that is under way ends now, but for its handlers.
    if (underWay !== undefined) await sessions.terminateAll();
    if (stopped !== underWay) await stopped;
  }

  /** For `await using`: `gracefulStop` with its defaults. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.gracefulStop();
  }

  /**
   * Renews keys, certificates, versions and cipher suites: the files are read again. New connections get them, open ones live
   * on. When it throws, everything stays as it was.
   *
   * @param secureSocket all of the option; who has to show a certificate, and `handshakeTimeout`, cannot change any more
   * @throws {TypeError} for an unknown name, a value of the wrong kind, a change that cannot be made, and when the listener
   *   was made without TLS
   * @throws {RangeError} for a number out of range
   * @throws {SslError} for a key, a certificate or a store that cannot be used; its `file` names it
   * @throws {UnsupportedError} on a native host that has started, and for other authorities of clients on Deno: they keep
   *   what they have
   */
  setSecureContext(secureSocket: ListenerSecureSocket): void {
    const present = this.#tls;
    const refuse = (reason: string): never => {
      throw new TypeError(`Cannot set the secure context: ${reason}`);
    };
    if (present === undefined) return refuse('the listener was made without "secureSocket"');
    const settings = checkListenerSecure(secureSocket) ?? refuse("there is none");
    if (settings.verifyClient !== present.verifyClient) refuse('"mutualSsl.verifyClient" is another one');
    if (settings.handshakeMs !== present.handshakeMs) refuse('"handshakeTimeout" is another one');
    const { name, nativeHost } = this.#runtime;
    if (this.#settings.native && this.#starting !== undefined && nativeHost !== undefined) {
      const reason = "a native host keeps the one that it was started with";
      throw new UnsupportedError(`Cannot set the secure context: ${reason}`, "setSecureContext", name);
    }
    const renewed = this.#load(secureSocket, settings)!;
    const { keepsSessions } = tlsTools(this.#runtime);
    if (keepsSessions !== undefined && String(renewed.authorities) !== String(present.authorities)) {
      throw new UnsupportedError(`Cannot set the secure context: ${keepsSessions}`, "setSecureContext", name);
    }
    this.#listening?.setTls?.(renewed);
    this.#tls = renewed;
  }

  /** What was counted since this listener was made. A copy. */
  stats(): ListenerStats {
    const { tally, sessions } = this.#pipeline;
    const { used: buffered, discarded } = this.#buffers;
    const { refused, closed } = tally;
    return { ...tally, refused: { ...refused }, closed: { ...closed }, open: sessions.size, buffered, discarded };
  }

  /** The files of `secureSocket`, read, where there is such; refused is what the host cannot keep. */
  #load(given: ListenerSecureSocket | undefined, settings: ServerTlsSettings | undefined): ServerTls | undefined {
    if (settings === undefined) return undefined;
    const tls = tlsTools(this.#runtime);
    const { secureSocket = tls.refusals.listener } = this.#limitations ?? {};
    refuseSecure(given, secureSocket, this.#runtime.name);
    return tls.loadServer(settings);
  }

  /** Of the host, as it is now. */
  #limitsNow(): Limitations | undefined {
    const { largestMessage } = this.#listening ?? {};
    const limitations = this.#limitations;
    return largestMessage === undefined ? limitations : limitations && { ...limitations, largestMessage };
  }

  async #start(): Promise<void> {
    try {
      await this.#stopping;
      const { fetch, hostname, timeoutMs, server, compression } = this.#settings;
      const { maxUriLength, maxHeaderSize, maxEntityBodySize } = this.#settings;
      const options: ListenOptions = {
        target: this.#target,
        hostname,
        timeoutMs,
        server,
        maxUriLength,
        maxHeaderSize,
        maxEntityBodySize,
        tls: this.#tls,
        claims: this.#router.claims,
        compression,
        largestMessage: this.#router.largestMessage,
        ...(fetch && { fetch }),
        onError: this.#errors.report,
        onRefused: this.#pipeline.refused,
      };
      this.#pipeline.resume();
      this.#listening = await this.#host(options, this.#pipeline.handle);
      // It may have been renewed meanwhile.
      if (this.#tls !== undefined && this.#tls !== options.tls) this.#listening.setTls?.(this.#tls);
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  /** The stop that is under way; another one when somebody has started again since. */
  #stopOnce(endSessions: () => Promise<StopResult>): Promise<StopResult> {
    if (this.#stopping !== undefined && this.#starting === undefined) return this.#stopping;
    const stopping = this.#stop(endSessions).finally(() => {
      if (this.#stopping === stopping) this.#stopping = undefined;
    });
    return this.#stopping = stopping;
  }

  async #stop(endSessions: () => Promise<StopResult>): Promise<StopResult> {
    const starting = this.#starting;
    this.#starting = undefined;
    // Its failure is told to whoever started.
    await starting?.catch(ignore);
    this.#pipeline.stop();
    const listening = this.#listening;
    this.#listening = undefined;
    const stopped = listening?.stop().catch(this.#errors.report);
    const result = await endSessions();
    await stopped;
    return result;
  }
}

const STOP_NAMES: readonly (keyof StopOptions)[] = ["timeout", "statusCode", "reason"];

/** An address one can connect to: one that means every interface is reached by the loopback. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

function ignore(): void {}
