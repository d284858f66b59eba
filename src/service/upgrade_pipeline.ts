/**
 * From a pending upgrade to an open session or a refusal (features U1 to U4, U8, U9, L7): route, origin, sub-protocol, who
 * it is, what schemas say of the request, then the service's word. What went wrong is told to the listener. Knows no port.
 */

import { authenticate, type Authenticators } from "../auth/authentication.ts";
import type { Identity } from "../auth/authenticator.ts";
import { findToken } from "../auth/token_source.ts";
import { andThen, type Eventual, orElse } from "../binding/and_then.ts";
import { ABNORMAL } from "../close_code.ts";
import { type Closure, ConnectionError, HandshakeTimedOutError, UpgradeError } from "../errors.ts";
import type { RangeCheck } from "../handshake/ip_range.ts";
import { ILL_FORMED_TARGET, STOPPING } from "../handshake/refusal.ts";
import { pathOf } from "../handshake/request_target.ts";
import { chooseProtocol, parseProtocols } from "../handshake/subprotocol.ts";
import { isInstance } from "../instance_of.ts";
import type { BufferBudget } from "../transport/buffer_budget.ts";
import type { MessageSocket } from "../transport/message_socket.ts";
import type { Runtime } from "../transport/runtime.ts";
import type {
  Acceptance,
  CompressionSettings,
  Limitations,
  SocketLimits,
  Upgrade,
  UpgradeHandler,
  UpgradeRequest,
} from "../transport/upgrade.ts";
import { checkAddedHeaders, checkResponse } from "./answer_headers.ts";
import type { Caller } from "./caller.ts";
import type { Errors, Tally } from "./dispatcher.ts";
import type { ServiceSettings } from "./options.ts";
import { atExpiry } from "./expiry.ts";
import { asSent, headerOf, withUrl } from "./forwarded_request.ts";
import { type Handlers, HandlerTables } from "./handlers.ts";
import { type PlaceLimits, Places } from "./places.ts";
import { isResponse, noPlaceRefusal, refusal, refusalAs, refusalOf } from "./refused_upgrade.ts";
import { isThenable } from "./reply.ts";
import { bindRequest, bindsNothing } from "./request_binding.ts";
import type { Match, Router } from "./router.ts";
import { type AnyUpgradeService, checkIsService, type Service, type UpgradeContext } from "./service.ts";
import { Session, type SessionHost } from "./session.ts";
import { SessionSet } from "./session_set.ts";

/** What is counted of upgrades, and over all connections. */
export interface UpgradeTally extends Tally {
  /** Connections that were opened. */
  opened: number;
  /** Clients that left before their upgrade was decided. */
  left: number;
  /** Refusals, by HTTP status. */
  readonly refused: Record<number, number>;
  /** Connections that have ended, by the status code of the first close frame. */
  readonly closed: Record<number, number>;
}

/** What a pipeline works with. */
export interface PipelineParts {
  readonly router: Pick<Router, "match">;
  readonly runtime: Pick<Runtime, "clock" | "deadlines" | "fillRandom">;
  /** Milliseconds the service's word may take, Infinity for ever. */
  readonly timeoutMs: number;
  /** How to compress, undefined for not at all. */
  readonly compression: CompressionSettings | undefined;
  /** The proxies whose word counts for who sent a request; undefined for none. */
  readonly trusts: RangeCheck | undefined;
  /** How many connections there may be; no limits by default. */
  readonly places?: PlaceLimits;
  /** Where all connections count what they keep; undefined: nowhere. */
  readonly buffers?: BufferBudget;
  /** Who may connect to services that do not say so themselves; undefined: everybody. */
  readonly auth?: Authenticators | undefined;
  readonly errors: Errors & { report(error: unknown, caller?: Caller): void };
  /** What the host's sockets cannot do, undefined for nothing. */
  readonly limitations?: Limitations | undefined;
}

/** The terms of a 101, and who serves whom then. */
interface Accepted {
  /** As the service may see it. */
  readonly request: UpgradeRequest;
  readonly auth: Identity | undefined;
  readonly service: Service;
  readonly handlers: Handlers | undefined;
  readonly settings: ServiceSettings;
  readonly limits: SocketLimits;
  readonly protocol: string | undefined;
  /** Those that the service adds. */
  readonly headers: Headers | undefined;
}

export class UpgradePipeline {
  readonly sessions: SessionSet;
  readonly tally: UpgradeTally = { opened: 0, left: 0, refused: {}, closed: {}, unhandled: 0, dropped: 0, unsent: 0 };
  readonly #parts: PipelineParts;
  /** Of the services that have not said their word yet. */
  readonly #pending = new Set<AbortController>();
  /** What the sessions of each service share: one object, and not one a connection. */
  readonly #hosts = new WeakMap<ServiceSettings, SessionHost>();
  /** What is known of the services that each one hands out. */
  readonly #tables = new WeakMap<ServiceSettings, HandlerTables>();
  /** Of open connections and of upgrades that are being decided. */
  readonly #places: Places;
  #stopped = false;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    const places = this.#places = new Places(parts.places ?? NO_LIMITS);
    this.sessions = new SessionSet(parts.runtime.clock, ({ request, endpoint }) => {
      places.giveBack(request.remoteAddress);
      countIn(this.tally.closed, firstCodeOf(endpoint.closure!));
    });
  }

  /** Decides one upgrade: at once, unless somebody takes his time. Never rejects. */
  readonly handle: UpgradeHandler = (upgrade) => {
    const request = asSent(upgrade.request, this.#parts.trusts);
    const { remoteAddress } = request;
    const noPlace = this.#places.take(remoteAddress);
    if (noPlace !== undefined) return this.#reject(upgrade, noPlaceRefusal(noPlace));

    const decision = orElse<Accepted | Response>(
      () => this.#decide(request),
      (error) => refusalOf(error, this.#parts.errors),
    );
    return andThen<Accepted | Response, undefined>(decision, (decision) => {
      if (isResponse(decision)) {
        // It is decided: its body may take a while yet.
        this.#places.giveBack(remoteAddress);
        return this.#reject(upgrade, decision).then(() => undefined);
      }
      return andThen(this.#accept(upgrade, decision), (isOpen) => {
        if (!isOpen) this.#places.giveBack(remoteAddress);
        return undefined;
      });
    });
  };

  /** Counts a request that was refused with `status`. */
  readonly refused = (status: number): void => countIn(this.tally.refused, status);

  /** Refuses, from now on and those that are pending, with 503. Open sessions live on. */
  stop(): void {
    this.#stopped = true;
    for (const pending of this.#pending) pending.abort(new UpgradeError(STOPPING.status, STOPPING.message));
  }

  /** Takes upgrades again. */
  resume(): void {
    this.#stopped = false;
  }

  /** @throws {Error} as a rejection too: what the refusal is made of */
  #decide(sent: UpgradeRequest): Eventual<Accepted | Response> {
    if (this.#stopped) return refusalAs(STOPPING);

    const path = pathOf(sent.url);
    const match = path === undefined ? null : this.#match(path);
    if (match === null) return refusalAs(ILL_FORMED_TARGET);
    if (match === undefined) return refusal(404, "There is no WebSocket service at this path");
    const { service, settings, params } = match;

    if (!settings.allowsOrigin(headerOf(sent, "origin"), headerOf(sent, "host") ?? "")) {
      return refusal(403, "Pages of this origin may not connect");
    }
    const protocols = parseProtocols(headerOf(sent, "sec-websocket-protocol"));
    if (protocols === undefined) {
      return refusal(400, "The Sec-WebSocket-Protocol header is not a list of distinct tokens");
    }
    const { tokenFrom } = settings;
    const { token, url: visible, offered } = tokenFrom === undefined
      ? { token: undefined, url: sent.url, offered: protocols }
      : findToken(tokenFrom, { url: sent.url, cookies: headerOf(sent, "cookie"), offered: protocols });
    const request = visible === sent.url ? sent : withUrl(sent, visible);
    const protocol = chooseProtocol(offered, settings.subProtocols);
    // What nobody can see is not made: a `Request` with its signal is a third of what an upgrade costs.
    const seesNothing = takesNothing(service.get) && bindsNothing(settings.schemas);

    let added: Headers | undefined;
    let auth: Identity | undefined;
    const result = this.#ask(request, (limit) =>
      andThen(
        andThen(this.#identify(settings, request, token, limit), (identity) => {
          auth = identity;
          if (seesNothing) return undefined;
          const { searchParams: query } = new URL(visible);
          return bindRequest(settings.schemas, settings.validation, { params, query, headers: sent.headers });
        }),
        (bound) => {
          // Too late to matter: the schemas took too long.
          limit.throwIfOver();
          if (bound === undefined || takesNothing(service.get)) return (service.get as () => unknown)();
          added = new Headers();
          const context: UpgradeContext<string, unknown, unknown, unknown> = {
            ...bound,
            headers: added,
            subProtocol: protocol,
            remoteAddress: request.remoteAddress,
            secure: request.secure,
            peerCertificate: request.peerCertificate,
            auth,
          };
          // Its own schemas made it.
          const { signal } = limit;
          const { method } = request;
          return service.get(new Request(visible, { method, headers: sent.headers, signal }), context as never);
        },
      ));
    return andThen<unknown, Accepted | Response>(result, (result) => {
      if (isResponse(result)) return checkResponse(result);
      // What may be thrown may as well be returned.
      if (result instanceof Error) throw result;
      checkIsService(result, this.#parts.limitations);
      const handlers = this.#handlersOf(result, settings);
      if (added !== undefined) checkAddedHeaders(added);
      const limits = limitsFor(result, settings);
      return { request, auth, service: result, handlers, settings, limits, protocol, headers: added };
    });
  }

  /** Who it is, undefined where that does not matter. Rejects with an `UpgradeError`. */
  #identify(
    settings: ServiceSettings,
    request: UpgradeRequest,
    token: string | undefined,
    limit: TimeLimit,
  ): Eventual<Identity | undefined> {
    const authenticators = settings.auth ?? this.#parts.auth;
    if (authenticators === undefined || authenticators === false) return undefined;
    const { url, headers, remoteAddress, secure, peerCertificate } = request;
    const seen = { url, headers, remoteAddress, secure, peerCertificate, signal: limit.signal };
    return authenticate(authenticators, seen, token, (error) => this.#parts.errors.report(error));
  }

  /** Null: it cannot be decoded. */
  #match(pathname: string): Match | undefined | null {
    try {
      return this.#parts.router.match(pathname);
    } catch (error) {
      if (error instanceof URIError) return null;
      throw error;
    }
  }

  /** What `decide` comes to; or an `UpgradeError` as soon as it comes too late to matter. */
  #ask(request: UpgradeRequest, decide: (limit: TimeLimit) => unknown): unknown {
    const limit = new TimeLimit();
    const result = decide(limit);
    if (!isThenable(result)) return result;

    const { abort } = limit;
    const { clock } = this.#parts.runtime;
    const { timeoutMs } = this.#parts;
    const seconds = timeoutMs / 1_000;
    const cancel = timeoutMs === Infinity ? undefined : clock.after(
      timeoutMs,
      () => abort.abort(new HandshakeTimedOutError(`The upgrade was not decided within ${seconds} seconds`)),
    );
    const left = (): void => abort.abort(request.signal.reason);
    request.signal.addEventListener("abort", left);
    this.#pending.add(abort);
    return new Promise((resolve, reject) => {
      abort.signal.addEventListener("abort", () => {
        const { reason } = abort.signal;
        reject(reason instanceof UpgradeError ? reason : new UpgradeError(503, "The upgrade took too long"));
      });
      if (request.signal.aborted) left();
      Promise.resolve(result).then(resolve, reject);
    }).finally(() => {
      cancel?.();
      request.signal.removeEventListener("abort", left);
      this.#pending.delete(abort);
    });
  }

  /** False, as `#accept`. Never rejects. */
  async #reject(upgrade: Upgrade, response: Response): Promise<false> {
    const { request } = upgrade;
    if (request.hasLeft ?? request.signal.aborted) this.tally.left++;
    else this.refused(response.status);
    try {
      await upgrade.reject(response);
    } catch (error) {
      this.#parts.errors.report(error);
    }
    return false;
  }

  /** False: there is no session, and the client is told or has left. */
  #accept(upgrade: Upgrade, accepted: Accepted): Eventual<boolean> {
    const { settings, limits, protocol, headers } = accepted;
    // Decided in time, but the listener has stopped meanwhile.
    if (this.#stopped) return this.#reject(upgrade, refusalAs(STOPPING));
    const acceptance: Acceptance = {
      limits,
      compression: this.#parts.compression,
      keepAliveMs: settings.pacing.pingMs + settings.pacing.pongMs,
      maxBufferedAmount: settings.pacing.maxBufferedAmount,
      buffers: this.#parts.buffers,
      headers,
      protocol,
    };
    const socket = orElse<MessageSocket | undefined>(() => upgrade.accept(acceptance), (error) => {
      if (isInstance(error, ConnectionError)) this.tally.left++;
      else {
        this.refused(500);
        this.#parts.errors.report(error);
      }
      return undefined;
    });
    return andThen(socket, (socket) => socket !== undefined && this.#open(socket, accepted));
  }

  #open(socket: MessageSocket, { request, auth, service, handlers, settings }: Accepted): boolean {
    let session: Session;
    try {
      session = new Session(socket, service, request, this.#hostOf(settings), handlers, auth);
    } catch (error) {
      // A service that lets itself be looked at so often and no more: it is too late for a 500.
      this.#parts.errors.report(error);
      socket.destroy();
      return false;
    }
    this.tally.opened++;
    this.sessions.add(session);
    session.open();
    if (settings.closeOnExpiry && auth?.expiresAt !== undefined) this.#closeAt(session, auth.expiresAt);
    // It opened behind the back of whoever stops, and must not keep that waiting.
    if (this.#stopped) void session.close(1001, "", LATE_CLOSE_MS);
    return true;
  }

  #closeAt(session: Session, expiresAt: number): void {
    const { signal } = session.endpoint;
    // It is closing already, or gone.
    if (signal.aborted) return;
    const expired = (): void => void session.close(EXPIRED, "The credentials have expired");
    signal.addEventListener("abort", atExpiry(this.#parts.runtime.clock, expiresAt, Date.now(), expired));
  }

  #handlersOf(service: Service, settings: ServiceSettings): Handlers | undefined {
    let tables = this.#tables.get(settings);
    if (tables === undefined) this.#tables.set(settings, tables = new HandlerTables(settings.dispatch));
    return tables.of(service);
  }

  #hostOf(settings: ServiceSettings): SessionHost {
    let host = this.#hosts.get(settings);
    if (host === undefined) {
      const { clock, deadlines, fillRandom } = this.#parts.runtime;
      const { errors, buffers } = this.#parts;
      const endpointOptions = { ...settings.pacing, clock, deadlines, ...(buffers && { buffers }) };
      host = { endpointOptions, fillRandom, tally: this.tally, errors, sessions: this.sessions };
      this.#hosts.set(settings, host);
    }
    return host;
  }
}

/** How long a decision is of any use. Most come at once, and nobody asks for the signal. */
class TimeLimit {
  #abort: AbortController | undefined;

  get abort(): AbortController {
    return this.#abort ??= new AbortController();
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  throwIfOver(): void {
    this.#abort?.signal.throwIfAborted();
  }
}

/**
 * Whether `get` cannot see what it is given: an arrow function without parameters, which has no `arguments` either. Its
 * `length` would not tell: with a default, or a rest of all, that is 0 too.
 */
function takesNothing(get: AnyUpgradeService["get"]): boolean {
  let nothing = TAKES_NOTHING.get(get);
  if (nothing === undefined) {
    nothing = /^(async\s*)?\(\s*\)\s*=>/.test(Function.prototype.toString.call(get));
    TAKES_NOTHING.set(get, nothing);
  }
  return nothing;
}

const TAKES_NOTHING = new WeakMap<AnyUpgradeService["get"], boolean>();

function countIn(counts: Record<number, number>, code: number): void {
  counts[code] = (counts[code] ?? 0) + 1;
}

/** Of the close frame that went first; without one the connection was lost. */
function firstCodeOf({ first, sent, received }: Closure): number {
  return (first === "local" ? sent : received)?.code ?? ABNORMAL;
}

const NO_LIMITS: PlaceLimits = { maxConnections: 0, maxConnectionsPerAddress: 0 };

/** "Unauthorized" in the registry of close codes. */
const EXPIRED = 3_000;

/** Milliseconds for the answer to the close frame of a connection that opened during a stop. */
const LATE_CLOSE_MS = 2_000;

/** Whoever reads messages as streams gets them in parts. */
function limitsFor(service: Service, { limits, maxStreamedMessageSize }: ServiceSettings): SocketLimits {
  return service.onMessageStream === undefined ? limits : { ...limits, streamedSize: maxStreamedMessageSize };
}
