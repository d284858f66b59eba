/** What a host answers by itself when it does not answer as asked: one plain sentence each. Knows no runtime. */

/** An answer that is not 101. */
export interface Refusal {
  /** 400 to 599. */
  readonly status: number;
  /** Headers that belong to the status, such as `Allow`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** One plain sentence: the whole body. */
  readonly message: string;
}

export const ONLY_WEBSOCKET: Refusal = {
  status: 426,
  headers: [["Upgrade", "websocket"]], // RFC 7231 §6.5.15
  message: "This port speaks the WebSocket protocol",
};
export const ILL_FORMED_TARGET: Refusal = { status: 400, headers: [], message: "The request target is ill-formed" };
export const FAILED: Refusal = { status: 500, headers: [], message: "The server could not answer" };
export const STOPPING: Refusal = { status: 503, headers: [], message: "The server is stopping" };

/** @param limit characters */
export function uriTooLong(limit: number): Refusal {
  return { status: 414, headers: [], message: `A request target has at most ${limit} characters` };
}

/** @param limit bytes */
export function headersTooLarge(limit: number): Refusal {
  return { status: 431, headers: [], message: `The headers have at most ${limit} bytes` };
}

/** @param limit bytes */
export function bodyTooLarge(limit: number): Refusal {
  return { status: 413, headers: [], message: `A body has at most ${limit} bytes` };
}
