/** The six opcodes (RFC 6455 §5.2, §11.8) and what can be told from one alone. */

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The bit of the first byte that marks the first frame of a compressed message (RFC 7692 §6). */
export const RSV1 = 0x40;

/** Control frames are those with the opcode's top bit set (§5.5). */
export function isControl(opcode: number): boolean {
  return opcode >= CLOSE;
}

/** Whether §11.8 gives `opcode`, from 0 to 15, a meaning. */
export function isKnown(opcode: number): boolean {
  return opcode <= BINARY || (opcode >= CLOSE && opcode <= PONG);
}

/** The opcode's name, for messages to people. */
export function opcodeName(opcode: number): string {
  switch (opcode) {
    case CONTINUATION:
      return "continuation";
    case TEXT:
      return "text";
    case BINARY:
      return "binary";
    case CLOSE:
      return "close";
    case PING:
      return "ping";
    case PONG:
      return "pong";
    default:
      return `opcode ${opcode}`;
  }
}
