/** Keys, certificates, versions and suites, as `node:tls` takes them for either side. Knows no socket. */

import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import type { TlsIdentity, TlsSettings } from "../../transport/tls.ts";

/** What both sides have of TLS, files read. */
export interface TlsMaterial extends Omit<TlsSettings, "handshakeMs"> {
  readonly identity: TlsIdentity | undefined;
  /** In PEM. */
  readonly authorities: readonly string[] | undefined;
  /** A listener's. */
  readonly sessionSeconds?: number | undefined;
}

export function contextOf(tls: TlsMaterial): SecureContextOptions {
  const { identity, authorities, minVersion, maxVersion, ciphers, shareSession, sessionSeconds } = tls;
  return {
    ...identity,
    ...(authorities && { ca: [...authorities] }),
    ...(minVersion && { minVersion }),
    ...(maxVersion && { maxVersion }),
    ...(ciphers !== undefined && { ciphers }),
    ...(!shareSession && { secureOptions: constants.SSL_OP_NO_TICKET }),
    ...(sessionSeconds !== undefined && { sessionTimeout: sessionSeconds }),
  };
}
