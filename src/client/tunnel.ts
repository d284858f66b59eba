/**
 * A pipe to a target: dialled, or opened through an HTTP proxy with CONNECT (RFC 9110 §9.3.6), TLS with the target inside
 * of it. Tells the proxy nothing but the target and what is the proxy's, and the target nothing of the proxy.
 */

import { ConnectionError, ProxyError, SslError } from "../errors.ts";
import { writeAuthority } from "../handshake/authority.ts";
import { HttpHeadError, type ResponseHead, responseHeadParser, serializeRequest } from "../handshake/http_head.ts";
import type { ByteTransport } from "../transport/byte_transport.ts";
import type { Dial, DialTarget } from "../transport/dialer.ts";
import type { HttpProxy } from "./http_proxy.ts";
import type { ProxyRoute } from "./proxy_route.ts";
import { Relay } from "./relay.ts";

/**
 * Opens a pipe to `target`. Rejects as `dial` does, and with a `ProxyError` when the proxy answers, but opens no tunnel;
 * then nothing stays open.
 *
 * @param route which proxy leads there; absent: none
 */
export async function reach(
  dial: Dial,
  target: DialTarget,
  route: ProxyRoute | undefined,
  signal: AbortSignal,
): Promise<ByteTransport> {
  const proxy = route?.(target);
  if (proxy === undefined) return await dial(target, signal);
  const pipe = await dial(proxy.dial, signal);
  try {
    const relay = new Relay(pipe);
    await openTunnel(relay, proxy, target, signal);
    if (!target.secure) return relay;
    // A server says nothing before TLS has begun: these bytes are somebody else's, and never were encrypted.
    if (relay.takeKept().length > 0) {
      throw new SslError(`Cannot open TLS to ${nameOf(target)}: bytes came through the proxy before it began`);
    }
    return await dial({ ...target, pipe }, signal);
  } catch (error) {
    pipe.destroy();
    throw error;
  }
}

/** Resolves when what comes from `relay` is the target's: it is kept until the next listener is there. */
function openTunnel(relay: Relay, proxy: HttpProxy, target: DialTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const parser = responseHeadParser();
    const finish = (): void => {
      signal.removeEventListener("abort", aborted);
      relay.suspend();
    };
    const fail = (reason: unknown): void => {
      finish();
      reject(reason);
    };
    const aborted = (): void => fail(signal.reason);
    const closed = (cause?: Error): void => {
      const message = `Cannot connect through the proxy ${nameOf(proxy.dial)}: it closed the connection`;
      fail(new ConnectionError(message, cause && { cause }));
    };
    const bytes = (chunk: Uint8Array): void => {
      try {
        const answer = parser.receive(chunk);
        if (answer === undefined) return;
        judge(answer.head, proxy);
        finish();
        // §9.3.6: what follows is the tunnel's, whatever the head says of its length.
        relay.bytes(answer.rest);
        resolve();
      } catch (error) {
        fail(error instanceof HttpHeadError ? unreadable(error, proxy) : error);
      }
    };
    signal.addEventListener("abort", aborted);
    relay.start({ bytes, closed, ended: closed, drained() {} });
    relay.write(request(proxy, target));
  });
}

function request(proxy: HttpProxy, target: DialTarget): Uint8Array {
  const authority = nameOf(target);
  return serializeRequest("CONNECT", authority, [["Host", authority], ...proxy.headers]);
}

function judge({ status, headers }: ResponseHead, proxy: HttpProxy): void {
  if (status >= 200 && status < 300) return;
  const message = `Cannot connect through the proxy ${nameOf(proxy.dial)}: it answered with status ${status}`;
  throw new ProxyError(message, status, headers);
}

function unreadable(cause: HttpHeadError, proxy: HttpProxy): ProxyError {
  const message = `Cannot connect through the proxy ${nameOf(proxy.dial)}: its answer is not a usable HTTP head`;
  return new ProxyError(message, 0, new Headers(), { cause });
}

function nameOf({ hostname, port }: DialTarget): string {
  return writeAuthority(hostname, port);
}
