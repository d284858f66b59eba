/** Where a client's credentials come from (features A4): the interface that anybody may implement. Types only. */

/** Makes the credentials of a client, for each attempt to connect. May be shared by several clients. */
export interface CredentialSource {
  /**
   * The value of the `Authorization` header, its scheme included.
   *
   * What it throws or rejects with is the cause of an `AuthError`, or passed on as it is when it is a `WebSocketError`.
   *
   * @param signal aborted when nobody waits for it any more
   */
  authorization(signal: AbortSignal): string | Promise<string>;
}
