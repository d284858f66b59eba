/**
 * An upgrade request as its real sender made it, told by the proxies between (feature L2); and as a service may see it.
 * Knows no header by name.
 */

import { type Sender, senderOf } from "../handshake/forwarded.ts";
import type { RangeCheck } from "../handshake/ip_range.ts";
import type { PeerCertificate } from "../transport/tls.ts";
import type { UpgradeRequest } from "../transport/upgrade.ts";

/** `request` with the address and the scheme that trusted proxies tell; itself when none of them is between. */
export function asSent(request: UpgradeRequest, trusts: RangeCheck | undefined): UpgradeRequest {
  if (trusts === undefined) return request;
  const sender = senderOf(request, { get: (name) => headerOf(request, name) }, trusts);
  const { remoteAddress, secure } = request;
  const same = sender === request || sender.remoteAddress === remoteAddress && sender.secure === secure;
  return same ? request : new ForwardedRequest(request, sender);
}

/** One header of `request`, whose name is given in lower case. */
export function headerOf(request: UpgradeRequest, name: string): string | null {
  return request.header === undefined ? request.headers.get(name) : request.header(name);
}

/** `request` under another URL. */
export function withUrl(request: UpgradeRequest, url: string): UpgradeRequest {
  const { method, headers, remoteAddress, secure, peerCertificate, signal } = request;
  return { method, url, headers, remoteAddress, secure, peerCertificate, signal };
}

class ForwardedRequest implements UpgradeRequest {
  readonly remoteAddress: string | undefined;
  readonly secure: boolean;
  readonly #request: UpgradeRequest;

  constructor(request: UpgradeRequest, { remoteAddress, secure }: Sender) {
    this.#request = request;
    this.remoteAddress = remoteAddress;
    this.secure = secure;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url.replace(/^https?:/, this.secure ? "https:" : "http:");
  }

  get headers(): Headers {
    return this.#request.headers;
  }

  header(name: string): string | null {
    return headerOf(this.#request, name);
  }

  get peerCertificate(): PeerCertificate | undefined {
    return this.#request.peerCertificate;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }
}
