/**
 * RFC 6455 as a slow and plain reader of all that ever came, without a line of src/: what the engine is compared with
 * when nobody has written the verdict down. Speaks the recorder's words; a violation is `failed` and the code, no section.
 */

import type { Role } from "../../src/protocol/engine.ts";
import { bytesOf, joined, xor } from "./frames.ts";
import { toHex } from "./hex.ts";
import { canBeginUtf8, isUtf8 } from "./utf8.ts";

export interface ReferenceOptions {
  readonly role: Role;
  readonly maxMessageSize: number;
  readonly maxFrameSize: number | undefined;
  readonly maxFragments: number;
}

interface Unfinished {
  readonly text: boolean;
  readonly parts: Uint8Array[];
  announced: number;
}

const NAMES = new Map([[8, "closing"], [9, "ping"], [10, "pong"]]);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function reference(bytes: Uint8Array, options: ReferenceOptions): string[] {
  const { role, maxMessageSize, maxFrameSize = Infinity, maxFragments } = options;
  const words: string[] = [];
  const failed = (code: number): string[] => [...words, `failed ${code}`];
  let message: Unfinished | undefined;

  for (let at = 0; at + 2 <= bytes.length;) {
    const [b0, b1] = [bytes[at]!, bytes[at + 1]!];
    const fin = b0 >= 128;
    const opcode = b0 % 16;
    const control = opcode >= 8;
    const masked = b1 >= 128;
    const short = b1 % 128;
    if (Math.floor(b0 / 16) % 8 !== 0) return failed(1002);
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) return failed(1002);
    if (masked !== (role === "server")) return failed(1002);
    if (control && (short > 125 || !fin)) return failed(1002);

    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    let start = at + 2 + lengthBytes;
    if (start > bytes.length) break;
    const length = lengthBytes === 0
      ? BigInt(short)
      : BigInt(`0x${toHex(bytes.slice(at + 2, start)).replaceAll(" ", "")}`);
    if (length >= 1n << 63n) return failed(1002);
    if (lengthBytes === 2 && length < 126n || lengthBytes === 8 && length < 65_536n) return failed(1002);
    if (!control && length > Math.min(maxFrameSize, maxMessageSize)) return failed(1009);

    const key = masked ? Array.from(bytes.slice(start, start + 4)) : [0, 0, 0, 0];
    if (key.length < 4) break;
    if (masked) start += 4;
    const end = start + Number(length);
    const payload = xor(bytes.slice(start, end), key);
    const complete = end <= bytes.length;
    at = end;

    if (control) {
      if (!complete) break;
      if (opcode !== 8) words.push(said(NAMES.get(opcode)!, toHex(payload)));
      else {
        const code = closeCode(payload);
        if (typeof code === "string") return failed(Number(code));
        return [...words, said(`closing ${code}`, decoder.decode(payload.slice(2)))];
      }
      continue;
    }
    if ((opcode === 0) !== (message !== undefined)) return failed(1002);
    message ??= { text: opcode === 1, parts: [], announced: 0 };
    message.parts.push(payload);
    message.announced += Number(length);
    if (message.announced > maxMessageSize || message.parts.length > maxFragments) return failed(1009);
    const whole = joined(message.parts);
    if (message.text && !canBeginUtf8(whole)) return failed(1007);
    if (!complete) break;
    if (!fin) continue;
    if (message.text && !isUtf8(whole)) return failed(1007);
    words.push(message.text ? said("text", decoder.decode(whole)) : said("binary", toHex(whole)));
    message = undefined;
  }
  return words;
}

/** What must be sent upon `words`: a pong for each ping, then a close frame when one came or a rule was broken. */
export function answersTo(words: readonly string[]): string[] {
  return words.flatMap((word) => {
    const [what, rest] = word.split(" ");
    if (what === "ping") return [word.replace("ping", "pong")];
    return what === "closing" || what === "failed" ? [`closing ${rest}`] : [];
  });
}

function said(what: string, rest: string): string {
  return rest === "" ? what : `${what} ${rest}`;
}

/** The code of a close frame; as a string, the one it is to be refused with. */
function closeCode(payload: Uint8Array): number | string {
  if (payload.length === 0) return 1005;
  if (payload.length === 1) return "1002";
  const code = payload[0]! * 256 + payload[1]!;
  const travels = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code) || code >= 3000 && code <= 4999;
  if (!travels) return "1002";
  return isUtf8(bytesOf(payload.slice(2))) ? code : "1007";
}
