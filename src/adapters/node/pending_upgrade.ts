/**
 * One upgrade that `node:http` has handed over and nobody has decided yet: watches the raw socket meanwhile, keeps what
 * comes early, and writes the 101 or the refusal (RFC 6455 §4.2.2). Knows no route.
 */

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Socket } from "node:net";
import { concat, type DecodeAscii, type FillRandom } from "../../bytes.ts";
import { Connection } from "../../connection/connection.ts";
import { ConnectionError } from "../../errors.ts";
import { answerUpgrade, type HandshakeTerms, serializeRejection } from "../../handshake/server_handshake.ts";
import type { Clock } from "../../transport/clock.ts";
import type { Deadlines } from "../../transport/deadlines.ts";
import type { MessageSocket } from "../../transport/message_socket.ts";
import type { Acceptance, Upgrade, UpgradeRequest } from "../../transport/upgrade.ts";
import { NetTransport } from "./net_transport.ts";

/** What comes before the 101 is kept up to here; then the socket is paused. */
const EARLY_BYTES = 65_536;
/** How long a refused peer may take to read its answer and leave. */
const REFUSAL_LINGER_MS = 2_000;

/** What every upgrade of a host needs. */
export interface UpgradeTools {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly fillRandom: FillRandom;
  readonly decodeAscii: DecodeAscii | undefined;
  /** The `Server` header of every answer. */
  readonly server: string | undefined;
}

export class PendingUpgrade implements Upgrade {
  readonly request: UpgradeRequest;
  readonly #terms: HandshakeTerms;
  readonly #socket: Socket;
  readonly #tools: UpgradeTools;
  #early: Uint8Array[];
  #earlyBytes = 0;
  #gone = false;
  #abort: AbortController | undefined;

  constructor(
    message: IncomingMessage,
    url: URL,
    headers: Headers,
    terms: HandshakeTerms,
    socket: Duplex,
    head: Uint8Array,
    tools: UpgradeTools,
  ) {
    this.#terms = terms;
    this.#socket = socket as Socket;
    this.#tools = tools;
    // `head` is a view into the parser's own chunk.
    this.#early = head.length > 0 ? [head.slice()] : [];
    this.#watch();
    const signal = (): AbortSignal => this.#signal();
    const { remoteAddress } = this.#socket;
    const tls = this.#socket as TLSSocket;
    this.request = {
      method: message.method ?? "GET",
      url: url.href,
      headers,
      remoteAddress,
      secure: tls.encrypted === true,
      get peerCertificate(): unknown {
        return tls.encrypted === true ? tls.getPeerCertificate?.(true) : undefined;
      },
      get signal(): AbortSignal {
        return signal();
      },
    };
  }

  async accept(acceptance: Acceptance): Promise<MessageSocket> {
    const { protocol, limits } = acceptance;
    const answer = await answerUpgrade({
      key: this.#terms.key,
      protocol,
      headers: this.#withServer(acceptance.headers),
      sha1,
    });
    if (this.#gone) {
      this.#socket.destroy();
      throw new ConnectionError("Cannot accept the upgrade: the client has left");
    }
    const head = this.#unwatch();
    this.#socket.write(answer);
    const { clock, deadlines, fillRandom, decodeAscii } = this.#tools;
    return new Connection(new NetTransport(this.#socket), {
      role: "server",
      protocol: protocol ?? "",
      limits,
      clock,
      deadlines,
      fillRandom,
      decodeAscii,
      head,
    });
  }

  async reject(response: Response): Promise<void> {
    const bytes = await serializeRejection(response);
    this.#unwatch();
    endWith(this.#socket, bytes, this.#tools.clock);
  }

  #signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#gone) this.#abort.abort(gone());
    return this.#abort.signal;
  }

  #withServer(headers: Headers | undefined): Iterable<readonly [string, string]> | undefined {
    const { server } = this.#tools;
    if (server === undefined) return headers;
    return [["Server", server], ...(headers ?? [])];
  }

  /** Reads on, so that the peer's leaving is noticed; a peer that sends more than it may is not read any further. */
  #watch(): void {
    this.#socket.on("data", this.#onData).on("end", this.#onGone).on("close", this.#onGone).on("error", this.#onGone);
  }

  /** Stops watching. What came early is the caller's. */
  #unwatch(): Uint8Array {
    this.#socket.pause();
    // The next owner has an error listener of its own by the time anything can fail.
    this.#socket.off("data", this.#onData).off("end", this.#onGone).off("close", this.#onGone);
    this.#socket.off("error", this.#onGone);
    const early = this.#early;
    this.#early = [];
    return early.length === 1 ? early[0]! : concat(...early);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#early.push(chunk.slice());
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= EARLY_BYTES) this.#socket.pause();
  };

  readonly #onGone = (): void => {
    if (this.#gone) return;
    this.#gone = true;
    this.#abort?.abort(gone());
    // Nothing is left to say to it. The handler that still decides will find it gone.
    this.#socket.destroy();
  };
}

/** Writes the last answer to `socket` and lets go of it; what the peer still sends is read and dropped for a while. */
export function endWith(socket: Duplex, bytes: Uint8Array, clock: Clock): void {
  socket.on("error", ignore);
  if (socket.destroyed) return;
  const cancel = clock.after(REFUSAL_LINGER_MS, () => socket.destroy());
  socket.once("close", cancel);
  // Unread input would turn our end into a reset, and the peer would lose the answer.
  socket.resume();
  socket.end(bytes);
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("base64");
}

function gone(): ConnectionError {
  return new ConnectionError("The client left before the upgrade was decided");
}

function ignore(): void {}
