/** The size of a message on the wire, its header apart, without encoding it. Knows UTF-8, and no socket. */

import type { Message } from "../transport/message_socket.ts";

/** How many bytes `message` has on the wire, its header apart. */
export function byteSize(message: Message): number {
  if (typeof message !== "string") return message.length;
  let size = message.length;
  for (let i = 0; i < message.length; i++) {
    const unit = message.charCodeAt(i);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts for two of its four bytes; a lone one becomes the three of U+FFFD.
    const pair = unit >= 0xd800 && unit < 0xdc00 && (message.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    size += unit < 0x800 ? 1 : 2;
    if (pair) i++;
  }
  return size;
}
