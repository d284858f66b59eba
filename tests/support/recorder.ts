/** Turns what an engine says into words that a test can compare. Answers pings, as the socket above it would. */

import { zlibCodec } from "../../src/adapters/node/zlib_codec.ts";
import { type CloseFrameInfo, CorruptedFrameError } from "../../src/errors.ts";
import {
  Engine,
  type EngineLimits,
  type EngineOptions,
  type EngineOutput,
  type Role,
  type Violation,
} from "../../src/protocol/engine.ts";
import {
  type DeflateDirection,
  PermessageDeflate,
  type PermessageDeflateOptions,
} from "../../src/protocol/permessage_deflate.ts";
import { fixedRandom, joined } from "./frames.ts";
import { toHex } from "./hex.ts";

/** Limits that no transcript meets by accident. */
export const ROOMY = { maxMessageSize: 1_048_576, maxFrameSize: undefined, maxFragments: 1_024 } as const;

const TAKEOVER: DeflateDirection = { windowBits: 15, takeover: true };

/** Compression with history both ways, of every message however short, unless it is told otherwise. */
export function deflateOf(options: Partial<PermessageDeflateOptions> = {}): PermessageDeflate {
  const defaults = { codec: zlibCodec, incoming: TAKEOVER, outgoing: TAKEOVER, threshold: 0, level: 6 };
  return new PermessageDeflate({ ...defaults, ...options });
}

export interface RecorderOptions extends Partial<EngineLimits & Omit<EngineOptions, "role" | "limits" | "deflate">> {
  readonly role: Role;
  /** Compression was agreed on so; its history begins with the engine. */
  readonly deflate?: Partial<Omit<PermessageDeflateOptions, "codec">>;
  /** Called after each thing the engine says, but for what it writes. */
  readonly onWord?: (recorder: Recorder, word: string) => void;
}

export class Recorder implements EngineOutput {
  readonly engine: Engine;
  /** `text hello`, `binary 01 02`, `ping 68 69`, `pong`, `closing 1000 bye`, `failed 1002 §5.2`. */
  readonly words: string[] = [];
  /** What the engine wrote, as it was handed over. */
  readonly writes: Uint8Array[] = [];
  readonly messages: (string | Uint8Array)[] = [];
  /** The parts of messages that did not come whole. In `words` and `messages` they are one message, at its end. */
  readonly parts: [part: string | Uint8Array, fin: boolean][] = [];
  /** It keeps what it is given. */
  readonly eager = false;
  violation: Violation | undefined;
  readonly #onWord: RecorderOptions["onWord"];
  #part: string | Uint8Array | undefined;

  constructor(options: RecorderOptions) {
    const { onWord, role, fillRandom = fixedRandom, decodeAscii, deflate, ...limits } = options;
    this.#onWord = onWord;
    this.engine = new Engine(this, {
      role,
      limits: { ...ROOMY, ...limits },
      fillRandom,
      decodeAscii,
      deflate: deflate && deflateOf(deflate),
    });
  }

  /** Everything that was said, then everything that was written, as one `write 88 02 03 e8`. */
  transcript(): string[] {
    this.engine.flush();
    const written = joined(this.writes);
    return written.length === 0 ? [...this.words] : [...this.words, `write ${toHex(written)}`];
  }

  write(bytes: Uint8Array): boolean {
    this.writes.push(bytes);
    return false;
  }

  message(message: string | Uint8Array): void {
    this.messages.push(message);
    if (typeof message === "string") this.#say("text", message);
    else this.#say("binary", toHex(message));
  }

  messagePart(part: string | Uint8Array, fin: boolean): void {
    this.parts.push([part, fin]);
    this.#part = this.#part === undefined
      ? part
      : typeof part === "string"
      ? this.#part + part
      : joined([this.#part as Uint8Array, part]);
    if (!fin) return;
    const message = this.#part;
    this.#part = undefined;
    this.message(message);
  }

  pinged(payload: Uint8Array): void {
    this.engine.pong(payload);
    this.#say("ping", toHex(payload));
  }

  ponged(payload: Uint8Array): void {
    this.#say("pong", toHex(payload));
  }

  closing({ code, reason }: CloseFrameInfo): void {
    this.#say(`closing ${code}`, reason);
  }

  failed(violation: Violation): void {
    this.violation = violation;
    const section = violation instanceof CorruptedFrameError ? violation.section : "";
    this.#say(`failed ${violation.closeCode}`, section);
  }

  #say(what: string, rest: string): void {
    const word = rest === "" ? what : `${what} ${rest}`;
    this.words.push(word);
    this.#onWord?.(this, word);
  }
}
