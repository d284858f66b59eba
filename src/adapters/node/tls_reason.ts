/** What OpenSSL, BoringSSL or rustls say, without where in their sources they say it. */

import { printable } from "../../printable.ts";

/** The reason in an error of `node:tls`, `node:crypto` or `node:fs`. */
export function tlsReason({ message }: Error): string {
  // error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:../deps/openssl/…
  const openSsl = /\berror:[\da-f]+:[^:]*:[^:]*:([^:\n]*)/i.exec(message)?.[1];
  if (openSsl !== undefined) return openSsl.toLowerCase().replaceAll("_", " ");
  // ENOENT: no such file or directory, open 'cert.pem'
  const system = /^E[A-Z]+: [^,]*/.exec(message)?.[0];
  // What is wrong with a certificate may be told in the certificate's own words.
  return system ?? printable(message.trim());
}
