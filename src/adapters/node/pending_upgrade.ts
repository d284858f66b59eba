/**
 * One upgrade that `node:http` has handed over and nobody has decided yet: watches the raw socket meanwhile, keeps what
 * comes early, and writes the 101 or the refusal (RFC 6455 §4.2.2). Knows no route.
 */

import * as crypto from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type Allocate, concat, type DecodeAscii, EMPTY, type FillRandom } from "../../bytes.ts";
import { answerCompression } from "../../connection/agreed_deflate.ts";
import { Connection } from "../../connection/connection.ts";
import { ConnectionError } from "../../errors.ts";
import { acceptKey } from "../../handshake/accept_key.ts";
import type { Refusal } from "../../handshake/refusal.ts";
import {
  answerUpgrade,
  type HandshakeTerms,
  reasonOf,
  serializeRefusal,
  serializeRejection,
} from "../../handshake/server_handshake.ts";
import type { Clock } from "../../transport/clock.ts";
import type { Deadlines } from "../../transport/deadlines.ts";
import type { MessageSocket } from "../../transport/message_socket.ts";
import type { DeflateTools } from "../../transport/runtime.ts";
import type { PeerCertificate } from "../../transport/tls.ts";
import type { Acceptance, Upgrade, UpgradeRequest } from "../../transport/upgrade.ts";
import { HeaderLines } from "./header_lines.ts";
import { drop, endWith } from "./last_answer.ts";
import { NetTransport } from "./net_transport.ts";
import { peerCertificate, verifiedCertificateOn } from "./peer_certificate.ts";

/** What comes before the 101 is kept up to here; then the socket is paused. */
const EARLY_BYTES = 65_536;

/** What every upgrade of a host needs. */
export interface UpgradeTools {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly fillRandom: FillRandom;
  readonly decodeAscii?: DecodeAscii | undefined;
  readonly allocate?: Allocate | undefined;
  readonly deflate?: DeflateTools;
  /** The `Server` header of every answer. */
  readonly server: string | undefined;
  /** Milliseconds the body of a refusal may take, Infinity for as long as the peer stays. */
  readonly timeoutMs: number;
}

/** A copy of what a request says: whoever keeps it keeps no message, no parser and no undecided upgrade alive. */
class HeldRequest implements UpgradeRequest {
  readonly method: string = "GET"; // §4.2.1: there is no other
  readonly url: string;
  readonly remoteAddress: string | undefined;
  readonly secure: boolean;
  /** The header lines, packed once the upgrade is decided. */
  #lines: HeaderLines | string;
  /** In DER; verified. */
  readonly #certificate: Uint8Array | undefined;
  #headers: Headers | undefined;
  #abort: AbortController | undefined;
  #left: ConnectionError | undefined;

  constructor(url: string, lines: HeaderLines, socket: Socket) {
    this.url = url;
    this.#lines = lines;
    // The system forgets it with the connection.
    this.remoteAddress = socket.remoteAddress;
    this.secure = isEncrypted(socket);
    // A server of somebody's own may let in whom it has not verified.
    this.#certificate = isEncrypted(socket) ? verifiedCertificateOn(socket) : undefined;
  }

  get headers(): Headers {
    return this.#headers ??= this.#unpacked.toHeaders();
  }

  header(name: string): string | null {
    return this.#unpacked.get(name);
  }

  get #unpacked(): HeaderLines {
    const lines = this.#lines;
    return typeof lines === "string" ? HeaderLines.unpack(lines) : lines;
  }

  get peerCertificate(): PeerCertificate | undefined {
    return this.#certificate && peerCertificate(this.#certificate.slice());
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#left !== undefined) this.#abort.abort(this.#left);
    }
    return this.#abort.signal;
  }

  /** Whoever judged the upgrade has read the headers: few ask for them again, and thousands may be open. */
  packHeaders(): void {
    if (typeof this.#lines !== "string") this.#lines = this.#lines.pack();
    this.#headers = undefined;
  }

  /** The peer has left. */
  leave(reason: ConnectionError): void {
    this.#left = reason;
    this.#abort?.abort(reason);
  }
}

export class PendingUpgrade implements Upgrade {
  readonly request: HeldRequest;
  readonly #terms: HandshakeTerms;
  readonly #socket: Socket;
  readonly #tools: UpgradeTools;
  #early: Uint8Array[];
  #earlyBytes = 0;
  #decided = false;
  #gone = false;
  /** Tells a refusal that waits for its body. */
  #onLeave: (() => void) | undefined;
  /** Present while the socket is watched. */
  #onData: ((chunk: Uint8Array) => void) | undefined;
  #onGone: (() => void) | undefined;

  /** @param head what came behind the request; a copy is kept */
  constructor(
    url: string,
    lines: HeaderLines,
    terms: HandshakeTerms,
    socket: Socket,
    head: Uint8Array,
    tools: UpgradeTools,
  ) {
    this.request = new HeldRequest(url, lines, socket);
    this.#terms = terms;
    this.#socket = socket;
    this.#tools = tools;
    // `head` is a view into the parser's own chunk.
    this.#early = head.length > 0 ? [new Uint8Array(head)] : [];
  }

  /** To be called once, when it is not decided at once. Most are before anything else can come: those need no watch. */
  watchLater(): void {
    this.#tools.clock.afterTurn(() => {
      if (!this.#decided) this.#watch();
    }, true);
  }

  accept({ protocol, headers, limits, compression, buffers }: Acceptance): MessageSocket {
    const { clock, deadlines, fillRandom, decodeAscii, allocate, deflate: tools } = this.#tools;
    const { key, extensions: offers } = this.#terms;
    const compressed = compression && tools && answerCompression(offers, compression, tools);
    const extensions = compressed === undefined ? [] : [compressed.answer];
    let answer: Uint8Array;
    try {
      answer = answerUpgrade({
        accept: acceptKey(key, sha1),
        protocol,
        extensions,
        headers: this.#withServer(headers),
      });
    } catch (error) {
      compressed?.deflate.clear();
      this.#refuse(500);
      throw error;
    }
    const head = this.#decide();
    if (this.#gone || this.#socket.destroyed) {
      compressed?.deflate.clear();
      drop(this.#socket);
      throw new ConnectionError("Cannot accept the upgrade: the client has left");
    }
    this.request.packHeaders();
    const transport = new NetTransport(this.#socket);
    transport.write(answer);
    return new Connection(transport, {
      role: "server",
      protocol: protocol ?? "",
      limits,
      buffers,
      clock,
      deadlines,
      fillRandom,
      decodeAscii,
      allocate,
      deflate: compressed?.deflate,
      head,
    });
  }

  async reject(response: Response): Promise<void> {
    const { clock, timeoutMs } = this.#tools;
    let giveUp: () => void = () => {};
    // A body that never ends waits no longer than the peer does, and than an answer may take.
    const givenUp = new Promise<undefined>((resolve) => giveUp = () => resolve(undefined));
    this.#onLeave = giveUp;
    const cancel = timeoutMs === Infinity || response.body === null ? undefined : clock.after(timeoutMs, giveUp);
    let bytes: Uint8Array | undefined;
    try {
      bytes = await Promise.race([serializeRejection(this.#named(response)), givenUp]);
    } catch (error) {
      this.#refuse(500);
      throw error;
    } finally {
      cancel?.();
    }
    if (bytes === undefined && !this.#gone) return this.#refuse(503);
    this.#decide();
    if (bytes === undefined) drop(this.#socket);
    else endWith(this.#socket, bytes, clock);
  }

  /** What we could not write leaves the peer with an answer all the same. */
  #refuse(status: number): void {
    this.#decide();
    refuseSocket(this.#socket, { status, headers: [], message: reasonOf(status) }, this.#tools);
  }

  #withServer(headers: Headers | undefined): Iterable<readonly [string, string]> | undefined {
    const { server } = this.#tools;
    if (server === undefined || headers?.has("server")) return headers;
    return [["Server", server], ...(headers ?? [])];
  }

  #named(response: Response): Response {
    const { server } = this.#tools;
    if (server === undefined || response.headers.has("server") || response.type === "error") return response;
    const { body, status, statusText } = response;
    const headers = new Headers(response.headers);
    headers.set("Server", server);
    return new Response(body, { status, statusText, headers });
  }

  /** Reads on, so that the peer's leaving is noticed; a peer that sends more than it may is not read any further. */
  #watch(): void {
    const onData = this.#onData = (chunk: Uint8Array) => this.#keep(chunk);
    const onGone = this.#onGone = () => this.#leave();
    this.#socket.on("data", onData).on("end", onGone).on("close", onGone).on("error", onGone);
  }

  /** Stops watching. What came early is the caller's. */
  #decide(): Uint8Array {
    this.#decided = true;
    const onData = this.#onData;
    const onGone = this.#onGone;
    if (onData !== undefined && onGone !== undefined) {
      const socket = this.#socket.pause();
      // The next owner has an error listener of its own by the time anything can fail.
      socket.off("data", onData).off("end", onGone).off("close", onGone).off("error", onGone);
    }
    const early = this.#early;
    this.#early = [];
    return early.length === 0 ? EMPTY : early.length === 1 ? early[0]! : concat(...early);
  }

  #keep(chunk: Uint8Array): void {
    this.#early.push(new Uint8Array(chunk));
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= EARLY_BYTES) this.#socket.pause();
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    // Nothing is left to say to it. The handler that still decides will find it gone.
    this.#socket.destroy();
    this.request.leave(new ConnectionError("The client left before the upgrade was decided"));
    this.#onLeave?.();
  }
}

/** Answers a raw socket with `refusal`, and lets go of it. */
export function refuseSocket(socket: Socket, refusal: Refusal, { server, clock }: UpgradeTools): void {
  const named: Refusal = server === undefined
    ? refusal
    : { ...refusal, headers: [["Server", server], ...refusal.headers] };
  endWith(socket, serializeRefusal(named), clock);
}

/** On Bun the socket of an https server is no `TLSSocket`, but says so. */
export function isEncrypted(socket: Socket): socket is TLSSocket {
  return (socket as TLSSocket).encrypted === true;
}

// From Node 20.12 on, and a third of the price; the types of Node 20 have it not.
const { hash } = crypto as { hash?: (algorithm: string, data: string, encoding: "base64") => string };

function sha1(text: string): string {
  return hash?.("sha1", text, "base64") ?? crypto.createHash("sha1").update(text).digest("base64");
}
