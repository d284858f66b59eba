/**
 * `Sec-WebSocket-Key` and the `Sec-WebSocket-Accept` that answers it (RFC 6455 §1.3 and §4). The only file of this
 * folder that awaits by itself: SHA-1 comes from WebCrypto, or from whoever hands in a faster one.
 */

import { encodeBase64, encodeUtf8, type FillRandom } from "../bytes.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // §1.3

/** A fresh key: base64 of 16 bytes that `fillRandom` fills. §4.1 */
export function createKey(fillRandom: FillRandom): string {
  const bytes = new Uint8Array(16);
  fillRandom(bytes);
  return encodeBase64(bytes);
}

/** Whether `key` is base64 of exactly 16 bytes, in the one form an encoder writes: no space, no stray bits. §4.2.1 */
export function isValidKey(key: string): boolean {
  if (key.length !== 24 || !key.endsWith("==")) return false;
  for (let at = 0; at < 22; at++) {
    if (!isBase64(key.charCodeAt(at))) return false;
  }
  // The 22nd character carries two bits; the other four are zero.
  const last = key[21];
  return last === "A" || last === "Q" || last === "g" || last === "w";
}

/**
 * The `Sec-WebSocket-Accept` that proves `key` was read. §4.2.2
 *
 * @param sha1 of an ASCII text, in base64; WebCrypto's by default
 */
export function acceptKey(key: string): Promise<string>;
export function acceptKey<Digest>(key: string, sha1: (text: string) => Digest): Digest;
export function acceptKey(key: string, sha1: (text: string) => unknown = webCryptoSha1): unknown {
  return sha1(key + GUID);
}

async function webCryptoSha1(text: string): Promise<string> {
  return encodeBase64(new Uint8Array(await crypto.subtle.digest("SHA-1", encodeUtf8(text) as BufferSource)));
}

function isBase64(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) ||
    code === 0x2b || code === 0x2f;
}
