/**
 * The waist: an open WebSocket as its user sees it, whoever speaks the frames. Types only. Everything above talks
 * messages; everything below talks frames or a runtime's own socket.
 */

import type { Closure, WebSocketError } from "../errors.ts";

/** One WebSocket message (RFC 6455 §5.6): text is a string, binary a `Uint8Array`. */
export type Message = string | Uint8Array;

/** A message that is framed already; what is in it is between sockets of one `framing`. */
export interface Framed {
  readonly bytes: Uint8Array;
  /** What is compressed in there, undefined when nothing is. */
  readonly inflated: Uint8Array | undefined;
}

/** An open WebSocket. A method that is absent is a thing this runtime cannot do. */
export interface MessageSocket {
  /** The sub-protocol that was agreed on, empty for none. */
  readonly protocol: string;
  /** Starts delivery. Called once; what came earlier was held and comes first. */
  start(sink: MessageSink): void;
  /**
   * Has read `message` when it returns: the bytes stay the caller's. Never loses one. False: wait for `drained`. Once a
   * close frame went or the connection is gone it drops the message and says false, and `closed` is all that follows.
   * With `compress` false it goes as it is, also where messages are compressed; true is the default.
   */
  send(message: Message, compress?: boolean): boolean;
  /** Sockets with the same `framing` take each other's `frame`. Absent where the runtime frames, or each is masked. */
  readonly framing?: number | string | undefined;
  /** `message` as this socket would send it, to be sent to many. Reads it, and keeps nothing. */
  frame?(message: Message): Framed;
  /** As `send`, a message that a socket of the same `framing` has framed. The bytes stay the caller's. */
  sendFramed?(framed: Framed): boolean;
  /** As `send`, a message in parts; no other message may come between them. Absent where the runtime cannot. */
  sendPart?(part: Message, fin: boolean): boolean;
  /** Bytes accepted and not yet with the operating system, gathered ones included. */
  readonly bufferedAmount: number;
  /**
   * Starts the closing handshake (RFC 6455 §7.1.2), or answers the peer's. Does nothing once a close frame was sent. Has
   * no deadline of its own: who closes, destroys when the answer takes too long.
   */
  close(code?: number, reason?: string): void;
  /**
   * Drops the connection now, as far as the runtime can, without a close frame, and with it what was not delivered yet.
   * `closed` still follows, later, with `error` if there is one.
   */
  destroy(error?: WebSocketError): void;
  /** Bytes that came so far: proof of life while a long message is under way. Absent where the runtime does not tell. */
  readonly bytesReceived?: number;
  /**
   * Bytes of messages that went out so far, of text that has to wait too few: proof of life while more is written than a
   * slow peer takes. Absent where `bufferedAmount` says enough, as pings are answered all the same.
   */
  readonly bytesTaken?: number;
  /** Takes effect before the next message, also when it is called from `message()`. Absent where the runtime cannot. */
  pause?(): void;
  /** Goes on with delivery, never from inside this call. */
  resume?(): void;
  /** Sends a ping of at most 125 bytes, which stay the caller's. */
  ping?(payload: Uint8Array): void;
  /** Sends a pong of at most 125 bytes, which stay the caller's. */
  pong?(payload: Uint8Array): void;
}

/** Who hears the messages. Never called from inside a call to the same socket. Must not throw. */
export interface MessageSink {
  /** A whole message. A `Uint8Array` owns its whole buffer, and is the sink's from now on. */
  message(message: Message): void;
  /**
   * The next part of a message, the sink's from now on; all parts are of one kind. Called where the socket was made for it
   * (`streamedSize`), for messages that do not come whole and are not compressed; text is never cut inside a character. The
   * first part and the last may be empty.
   */
  messagePart?(part: Message, fin: boolean): void;
  /**
   * A ping. True: the sink answers it; anything else: the socket does (RFC 6455 §5.5.2). Where the runtime answers by
   * itself the answer is not asked for; where it tells nothing of pings, this is never called.
   */
  ping(payload: Uint8Array): boolean | void;
  /** A pong, asked for or not (RFC 6455 §5.5.3). */
  pong(payload: Uint8Array): void;
  /** `send` may be called again after it said false. */
  drained(): void;
  /**
   * The peer's close frame. Unless the sink answers it here with `close`, the socket answers with the same code. Never
   * called where the runtime answers by itself: there only `closed` tells, with `received`.
   */
  closing?(code: number, reason: string): void;
  /** Exactly once, and last: after every message that came before the end, held back by a pause or not. */
  closed(closure: Closure): void;
}
