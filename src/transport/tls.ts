/** TLS as the layers above the adapters know it: what is asked for, what is read from the files, and who the peer is. Types. */

/** The names and values of a certificate's subject or issuer, such as `CN` and `O`; a name that comes again has a list. */
export type DistinguishedName = Readonly<Record<string, string | readonly string[]>>;

/** A peer's certificate (RFC 5280), which has been verified: it leads to an authority that is trusted. */
export interface PeerCertificate {
  /** Whose it is. A name without a short form here stands under its object identifier, such as `2.5.4.65`. */
  readonly subject: DistinguishedName;
  /** Who signed it. */
  readonly issuer: DistinguishedName;
  /** Its further names, each behind its kind: `DNS:`, `email:`, `URI:` or `IP:`. Other kinds are left out. */
  readonly subjectAltNames: readonly string[];
  /** The issuer's number for it, in hexadecimal digits. */
  readonly serialNumber: string;
  /** The SHA-256 of `raw`, in 32 pairs of hexadecimal digits with colons between. */
  readonly fingerprint256: string;
  /** From when on it is valid. */
  readonly validFrom: Date;
  /** Until when it is valid. */
  readonly validTo: Date;
  /** The certificate itself, in DER. */
  readonly raw: Uint8Array;
}

/** A version of TLS that is spoken here. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** A PKCS#12 file (RFC 7292) and what opens it. */
export interface StoreFile {
  readonly path: string | URL;
  readonly password: string;
}

/** Where a private key and its certificate come from: files or texts in PEM, or a PKCS#12 file. */
export type KeySource = StoreFile | {
  readonly certFile: string | URL;
  readonly keyFile: string | URL;
  readonly keyPassword: string | undefined;
};

/** Where the certificates of trusted authorities come from: a file or text in PEM, or a PKCS#12 file. */
export type TrustSource = StoreFile | string | URL;

/** What both sides may ask for, checked. */
export interface TlsSettings {
  /** The lowest and the highest version; undefined: what the runtime has. */
  readonly minVersion: TlsVersion | undefined;
  readonly maxVersion: TlsVersion | undefined;
  /** All cipher suites that may be used, by OpenSSL's names, colons between; undefined: what the runtime has. */
  readonly ciphers: string | undefined;
  /** Whether sessions are resumed. */
  readonly shareSession: boolean;
  /** Milliseconds the TLS handshake may take. */
  readonly handshakeMs: number;
}

/** TLS of a listener, checked, its files not read yet. */
export interface ServerTlsSettings extends TlsSettings {
  readonly key: KeySource;
  /** Those of other host names, in small letters, of which one may begin with `*.`. */
  readonly hosts: ReadonlyMap<string, KeySource>;
  /** Whether clients are asked for a certificate, and have to have one; undefined: not asked. */
  readonly verifyClient: "require" | "optional" | undefined;
  /** Who may have signed it. */
  readonly trust: TrustSource | undefined;
  /** Whole seconds, as TLS counts them, that a session can be resumed; undefined: what the runtime has. */
  readonly sessionSeconds: number | undefined;
}

/** TLS of a client, checked, its files not read yet. */
export interface ClientTlsSettings extends TlsSettings {
  readonly key: KeySource | undefined;
  /** Undefined: what the platform trusts. */
  readonly trust: TrustSource | undefined;
  /** The name that is asked for, and that the certificate has to have; undefined: the URL's host. */
  readonly serverName: string | undefined;
  readonly verifyHostName: boolean;
  /** False: whoever answers is taken for the server. */
  readonly verify: boolean;
}

/** A private key and its certificate with those of the authorities between, in PEM; the key is not encrypted. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
}

/** TLS of a listener, its files read. */
export interface ServerTls extends Omit<ServerTlsSettings, "key" | "hosts" | "trust"> {
  readonly identity: TlsIdentity;
  /** By host name. */
  readonly hosts: ReadonlyMap<string, TlsIdentity>;
  /** In PEM. */
  readonly authorities: readonly string[] | undefined;
}

/** TLS of a client, its files read. */
export interface ClientTls extends Omit<ClientTlsSettings, "key" | "trust"> {
  readonly identity: TlsIdentity | undefined;
  /** In PEM. */
  readonly authorities: readonly string[] | undefined;
}

/** A field of the option `secureSocket` that cannot be had in some place. */
export interface TlsRefusal {
  /** Its name, such as `mutualSsl.verifyClient`. */
  readonly option: string;
  /** Which values cannot be had; absent: none can. */
  readonly applies?: (value: unknown) => boolean;
  /** The sentence that its user is told. */
  readonly reason: string;
}

/** What a runtime has of TLS. */
export interface TlsTools {
  /**
   * Reads the files of a listener, and sees to it that they can be used.
   *
   * @throws {SslError} naming the file
   */
  loadServer(settings: ServerTlsSettings): ServerTls;
  /**
   * Reads the files of a client, and sees to it that they can be used.
   *
   * @throws {SslError} naming the file
   */
  loadClient(settings: ClientTlsSettings): ClientTls;
  /**
   * Why other authorities cannot be trusted from some moment on; absent: they can. It would be no refusal of clients that were
   * let in before, if their sessions are resumed.
   */
  readonly keepsSessions?: string;
  /** What its `node:tls` takes without a word, and does not keep. */
  readonly refusals: { readonly listener: readonly TlsRefusal[]; readonly client: readonly TlsRefusal[] };
}
