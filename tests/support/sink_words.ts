/** Turns what a message socket says into words that a test can compare, and acts on them when told to. */

import type { Closure } from "../../src/errors.ts";
import type { Message, MessageSink } from "../../src/transport/message_socket.ts";
import { toHex } from "./hex.ts";

export class SinkWords implements MessageSink {
  /** `text hello`, `binary 01 02`, `part a`, `last part`, `ping 61`, `pong`, `drained`, `closing 1000 bye`, `closed 1000`. */
  readonly words: string[] = [];
  readonly messages: Message[] = [];
  closure: Closure | undefined;
  /** Called after each word, as from inside the socket's call. */
  onWord: (word: string) => void = () => {};
  answersPings = false;

  /** What was said since the last look. */
  take(): string[] {
    return this.words.splice(0);
  }

  message(message: Message): void {
    this.messages.push(message);
    if (typeof message === "string") this.#say("text", message);
    else this.#say("binary", toHex(message));
  }
  messagePart(part: Message, fin: boolean): void {
    this.#say(fin ? "last part" : "part", typeof part === "string" ? part : toHex(part));
  }
  ping(payload: Uint8Array): boolean {
    this.#say("ping", toHex(payload));
    return this.answersPings;
  }
  pong(payload: Uint8Array): void {
    this.#say("pong", toHex(payload));
  }
  drained(): void {
    this.#say("drained", "");
  }
  closing(code: number, reason: string): void {
    this.#say(`closing ${code}`, reason);
  }
  closed(closure: Closure): void {
    this.closure = closure;
    this.#say(`closed ${closure.code}`, "");
  }

  #say(what: string, rest: string): void {
    const word = rest === "" ? what : `${what} ${rest}`;
    this.words.push(word);
    this.onWord(word);
  }
}
