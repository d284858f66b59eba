/**
 * The options of an upgrade service that say which handler gets a message, and how many at once (features D1, D5, S5):
 * their names, defaults and limits. Knows no handler.
 */

import { checkBoolean, checkCount, checkNeeds, checkText, type Given } from "../option_check.ts";

/** Options of a service: how its messages find their handlers, and how many are handled at once. */
export interface DispatchConfiguration {
  /**
   * The field of a JSON message that names its handler: with `"event"` the message `{"event":"subscribe"}` goes to
   * `onSubscribe`. Default: none, and `onTextMessage`, `onBinaryMessage` and `onMessage` get all messages.
   */
  readonly dispatcherKey?: string;
  /**
   * The field that tells requests apart, a string or a number: those of different ids are handled at the same time, and
   * replies get the id. Needs `dispatcherKey`. Default: none.
   */
  readonly dispatcherStreamId?: string;
  /** What `dispatcherKey` says in a message that stops the request of its id. Needs `dispatcherStreamId`. Default: none. */
  readonly dispatcherCancel?: string;
  /**
   * What `dispatcherKey` says in the message that is sent when a stream returned for a request has come to its end. Needs
   * `dispatcherStreamId`. Default: none, and none is sent.
   */
  readonly dispatcherComplete?: string;
  /** Whether messages are handled while a returned stream is sent; those that belong to it by their id wait. Default false. */
  readonly concurrent?: boolean;
  /**
   * How many requests of one connection may be handled at once, with `dispatcherStreamId` or `concurrent`; others wait,
   * and count for `readAhead`. Default 64.
   */
  readonly maxConcurrentRequests?: number;
}

/** These options, checked. */
export interface DispatchSettings {
  readonly key: string | undefined;
  readonly streamId: string | undefined;
  readonly cancel: string | undefined;
  readonly complete: string | undefined;
  readonly concurrent: boolean;
  readonly maxConcurrent: number;
  /** Whether what is bound has to meet its schema's constraints. */
  readonly validation: boolean;
}

/**
 * Checks the values of these options; the names are the caller's to check.
 *
 * @throws {TypeError} for a value of the wrong kind, and for one that means nothing without another
 * @throws {RangeError} for a number out of range
 */
export function checkDispatch(given: Given): DispatchSettings {
  const key = checkText(given, "dispatcherKey");
  const streamId = checkText(given, "dispatcherStreamId");
  const cancel = checkText(given, "dispatcherCancel");
  const complete = checkText(given, "dispatcherComplete");
  const concurrent = checkBoolean(given, "concurrent", false);
  checkNeeds(given, "dispatcherStreamId", "dispatcherKey");
  checkNeeds(given, "dispatcherCancel", "dispatcherStreamId");
  checkNeeds(given, "dispatcherComplete", "dispatcherStreamId");
  if (streamId !== undefined && streamId === key) {
    throw new TypeError('Cannot use the option "dispatcherStreamId": it names the same field as "dispatcherKey"');
  }
  const maxConcurrent = checkCount(given, "maxConcurrentRequests", 64, 1);
  const validation = checkBoolean(given, "validation", true);
  return { key, streamId, cancel, complete, concurrent, maxConcurrent, validation };
}
