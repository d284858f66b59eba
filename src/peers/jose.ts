/**
 * `hawser/auth/jwt`: JSON Web Tokens (RFC 7519), checked by a listener (features A1) and made by a client (A4) with the
 * package `jose` 6, which whoever imports this installs. The algorithms are pinned by the key, never chosen by the token.
 *
 * @module
 */

import {
  createRemoteJWKSet,
  customFetch,
  errors,
  importPKCS8,
  importSPKI,
  importX509,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  SignJWT,
} from "jose";
import type { Authenticator, AuthResult } from "../auth/authenticator.ts";
import { isToken68 } from "../auth/authorization.ts";
import { quoted } from "../auth/challenge.ts";
import type { CredentialSource } from "../auth/credential_source.ts";
import { type Fetch, limitedFetch } from "../auth/limited_fetch.ts";
import { checkScopes, scopesIn } from "../auth/scopes.ts";
import { encodeUtf8 } from "../bytes.ts";
import { AuthError, AuthnError } from "../errors.ts";
import { checkIsOptions, checkNames, checkSeconds, checkText, type Given, wrongKind } from "../option_check.ts";

export type { Authenticator, AuthRequest, AuthResult, Identity } from "../auth/authenticator.ts";
export type { CredentialSource } from "../auth/credential_source.ts";
export type { Fetch } from "../auth/limited_fetch.ts";

/** An algorithm for signatures with a pair of keys (RFC 7518 §3.1, RFC 8037). */
export type SigningAlgorithm =
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "EdDSA";

/** An algorithm with a secret that both sides know. */
export type SecretAlgorithm = "HS256" | "HS384" | "HS512";

/** The keys that a server publishes as a JSON Web Key Set (RFC 7517 §5). Times are seconds, fractions allowed. */
export interface KeySet {
  /** Where the set is, such as `https://example.com/.well-known/jwks.json`. */
  readonly jwks: string | URL;
  /** The algorithms that tokens may be signed with. Default: RS256, PS256, ES256 and EdDSA. */
  readonly algorithms?: readonly SigningAlgorithm[];
  /** How long the set is used before it is fetched anew; one that cannot be then lets nobody in. Default 600. */
  readonly cacheMaxAge?: number;
  /** How long after fetching it a token with an unknown key does not have it fetched again. Default 30. */
  readonly cooldown?: number;
  /** How long fetching it may take. Default 5. */
  readonly timeout?: number;
  /** Fetches it. Default: the platform's `fetch`. */
  readonly fetch?: Fetch;
}

/** A public key. */
export interface PublicKey {
  /** In PEM: a public key (SPKI) or a certificate (X.509), of which nothing but the key counts. */
  readonly pem: string;
  /** The algorithm that tokens are signed with. */
  readonly algorithm: SigningAlgorithm;
}

/** A secret that whoever makes the tokens knows, too. */
export interface SecretKey {
  /** At least 32 bytes. */
  readonly secret: string | Uint8Array;
  /** The algorithm that tokens are signed with. Default `HS256`. */
  readonly algorithm?: SecretAlgorithm;
}

/** A private key. */
export interface PrivateKey {
  /** In PEM (PKCS #8), not encrypted. */
  readonly pem: string;
  /** The algorithm to sign tokens with. */
  readonly algorithm: SigningAlgorithm;
}

/** Options of `issuedJwt`. Times are seconds, fractions allowed. */
export interface IssuedJwtOptions {
  /** What tokens are signed with. */
  readonly key: PrivateKey | SecretKey;
  /** The name of the key, in the header: `kid`. Default: none. */
  readonly keyId?: string;
  /** Whose the tokens are: `sub`. Default: nobody's. */
  readonly subject?: string;
  /** Who makes them: `iss`. Default: nobody. */
  readonly issuer?: string;
  /** Whom they are for: `aud`. Default: nobody. */
  readonly audience?: string | readonly string[];
  /** How long each of them counts. Default 300. */
  readonly expTime?: number;
  /** More claims, such as `{ scope: "write" }`; those that have an option, `exp`, `iat` and `jti` are refused. */
  readonly customClaims?: Readonly<Record<string, unknown>>;
}

/** Options of `jwtAuth`. Times are seconds, fractions allowed. */
export interface JwtAuthOptions {
  /** What tokens are checked with. */
  readonly key: KeySet | PublicKey | SecretKey;
  /** Who makes them: the claim `iss`, or one of several. Default: anybody with the key. */
  readonly issuer?: string | readonly string[];
  /** Whom they are for: one that the claim `aud` has. Default: anybody. */
  readonly audience?: string | readonly string[];
  /** Whose they are: the claim `sub`. Default: anybody's. */
  readonly subject?: string;
  /** The type in the header, such as `at+jwt`. Default: any. */
  readonly typ?: string;
  /** Claims that there must be. Default: `exp`. */
  readonly requiredClaims?: readonly string[];
  /** Claims and the values that they must have. */
  readonly customClaims?: Readonly<Record<string, string | number | boolean>>;
  /** How far the clocks may be apart, for `nbf`, `exp` and `iat`. Default 0. */
  readonly clockTolerance?: number;
  /** How old a token may be, counted from `iat`. Default: any. */
  readonly maxTokenAge?: number;
  /** The claim with the scopes: text with spaces between, or a list. Default `scope`. */
  readonly scopeKey?: string;
  /** Any one of them suffices. Default: everybody with a token may. */
  readonly scopes?: string | readonly string[];
  /** What the token is for, in the challenge. Default: none. */
  readonly realm?: string;
}

const NAMES: readonly (keyof JwtAuthOptions)[] = [
  "key",
  "issuer",
  "audience",
  "subject",
  "typ",
  "requiredClaims",
  "customClaims",
  "clockTolerance",
  "maxTokenAge",
  "scopeKey",
  "scopes",
  "realm",
];

/**
 * Bearer tokens that are JWTs: signed by the key, and not out of date. The identity's `subject` is the claim `sub`, or else
 * `client_id`; its `expiresAt` is `exp` and the tolerance.
 *
 * @throws {TypeError} when an option is none, or of the wrong kind
 * @throws {RangeError} when a number is out of range, or the secret too short
 */
export function jwtAuth(options: JwtAuthOptions): Authenticator {
  checkIsOptions(options);
  checkNames(options, NAMES);
  const given: Given = { ...options };
  const toleranceSeconds = checkSeconds(given, "clockTolerance", 0, false) / 1_000;
  const scopeKey = checkText(given, "scopeKey") ?? "scope";
  const customClaims = Object.entries(checkClaims(options.customClaims));
  const { find, algorithms } = checkKey(options.key);
  const rules: JWTVerifyOptions = {
    algorithms: [...algorithms],
    clockTolerance: toleranceSeconds,
    requiredClaims: checkStrings(given, "requiredClaims") ?? ["exp"],
    ...optional("issuer", checkStrings(given, "issuer")),
    ...optional("audience", checkStrings(given, "audience")),
    ...optional("subject", checkText(given, "subject")),
    ...optional("typ", checkText(given, "typ")),
    ...(options.maxTokenAge !== undefined &&
      { maxTokenAge: checkSeconds(given, "maxTokenAge", 0, false) / 1_000 }),
  };
  return {
    scheme: "Bearer",
    challenge: options.realm === undefined ? undefined : `realm=${quoted("realm", options.realm)}`,
    scopes: checkScopes(options.scopes),
    async authenticate(credentials): Promise<AuthResult> {
      if (credentials === undefined) return undefined;
      if (!isToken68(credentials)) return new AuthnError("The token is none");
      const claims = await verify(credentials, find, rules);
      if (claims instanceof AuthnError) return claims;
      if (customClaims.some(([name, value]) => claims[name] !== value)) {
        return new AuthnError("The token has other claims");
      }
      const { sub, client_id: client, exp } = claims;
      return {
        subject: typeof sub === "string" ? sub : typeof client === "string" ? client : "",
        scopes: scopesIn(Object.hasOwn(claims, scopeKey) ? claims[scopeKey] : undefined),
        claims,
        expiresAt: exp === undefined ? undefined : exp + toleranceSeconds,
      };
    },
  };
}

/**
 * The credentials of a client that makes its tokens itself: for each attempt to connect another one, with the time it was
 * made (`iat`) and an id of its own (`jti`).
 *
 * @throws {TypeError} when an option is none, or of the wrong kind
 * @throws {RangeError} when a number is out of range, or the secret too short
 */
export function issuedJwt(options: IssuedJwtOptions): CredentialSource {
  checkIsOptions(options);
  checkNames(options, ["key", "keyId", "subject", "issuer", "audience", "expTime", "customClaims"]);
  const given: Given = { ...options };
  const { key, algorithm } = checkSigningKey(options.key);
  const kid = checkText(given, "keyId");
  const lifetime = checkSeconds(given, "expTime", 300, false) / 1_000;
  if (lifetime < 1) throw new RangeError(`Cannot use the option "expTime": ${lifetime} is less than a second`);
  const audience = checkStrings(given, "audience");
  const claims: JWTPayload = {
    ...checkOwnClaims(options.customClaims),
    ...optional("sub", checkText(given, "subject")),
    ...optional("iss", checkText(given, "issuer")),
    ...(audience !== undefined && { aud: audience.length === 1 ? audience[0]! : audience }),
  };
  return {
    async authorization(): Promise<string> {
      const iat = Math.floor(Date.now() / 1_000);
      const token = new SignJWT({ ...claims, iat, exp: iat + Math.floor(lifetime), jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: algorithm, typ: "JWT", ...optional("kid", kid) });
      try {
        return `Bearer ${await token.sign(await key)}`;
      } catch (cause) {
        throw new AuthError('Cannot connect: no token can be signed with the option "key"', { cause });
      }
    },
  };
}

/** What a token is refused with; anything else that goes wrong is not the token's fault. */
const REFUSALS = [
  errors.JWTClaimValidationFailed,
  errors.JWTExpired,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
];

/** The claims of a token. Rejects with an `AuthError` when that cannot be told. */
async function verify(token: string, find: JWTVerifyGetKey, rules: JWTVerifyOptions): Promise<JWTPayload | AuthnError> {
  try {
    return (await jwtVerify(token, find, rules)).payload;
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return await verifyWithEach(token, error, rules);
    return refusalOf(error);
  }
}

/** Each of them costs work for a token that anybody may have made up. */
const MOST_KEYS = 32;

/** The set has several keys that could be meant, since neither the token nor they say more. */
async function verifyWithEach(
  token: string,
  keys: errors.JWKSMultipleMatchingKeys,
  rules: JWTVerifyOptions,
): Promise<JWTPayload | AuthnError> {
  let tried = 0;
  let failure: unknown;
  for await (const key of keys) {
    if (tried++ === MOST_KEYS) break;
    try {
      return (await jwtVerify(token, key, rules)).payload;
    } catch (error) {
      const isOther = error instanceof errors.JWSSignatureVerificationFailed;
      if (error instanceof errors.JOSEError && !isOther) return refusalOf(error);
      // A key that is too short fails otherwise, and is none; another one may do.
      if (isOther || tried === 1) failure = error;
    }
  }
  return refusalOf(failure);
}

/** Nothing of the token goes along: jose's errors have its claims. */
function refusalOf(error: unknown): AuthnError {
  if (REFUSALS.some((refusal) => error instanceof refusal)) return new AuthnError("The token does not count");
  throw new AuthError("Cannot check the token: the key cannot be had", { cause: error });
}

/** How a key is found, and the algorithms that it is for. */
interface Key {
  readonly find: JWTVerifyGetKey;
  readonly algorithms: readonly string[];
}

const SIGNING: readonly SigningAlgorithm[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
];
const USUAL: readonly SigningAlgorithm[] = ["RS256", "PS256", "ES256", "EdDSA"];
const SECRET: readonly SecretAlgorithm[] = ["HS256", "HS384", "HS512"];
/** RFC 7518 §3.2: as long as the hash. */
const LEAST_SECRET = 32;

function checkKey(key: unknown): Key {
  if (typeof key === "object" && key !== null) {
    if ("jwks" in key) return checkKeySet(key);
    if ("pem" in key) return checkPublicKey(key);
    if ("secret" in key) return checkSecret(key);
  }
  throw wrongKind("key", 'an object with "jwks", "pem" or "secret"');
}

function checkKeySet(key: object): Key {
  checkNames(key, ["jwks", "algorithms", "cacheMaxAge", "cooldown", "timeout", "fetch"], undefined, "key.");
  const given = key as Given;
  const algorithms = given["algorithms"] ?? USUAL;
  if (!Array.isArray(algorithms) || algorithms.length === 0) throw wrongKind("key.algorithms", "a list of algorithms");
  for (const algorithm of algorithms) checkAlgorithm("key.algorithms", algorithm, SIGNING);
  const fetcher = given["fetch"] ?? fetch;
  if (typeof fetcher !== "function") throw wrongKind("key.fetch", "a function");
  const ms = (name: string, fallback: number): number =>
    Math.round(checkSeconds(given, name, fallback, false, `key.${name}`));
  const find = createRemoteJWKSet(checkUrl(given["jwks"]), {
    cacheMaxAge: ms("cacheMaxAge", 600),
    cooldownDuration: ms("cooldown", 30),
    timeoutDuration: ms("timeout", 5),
    [customFetch]: limitedFetch(fetcher as Fetch),
  });
  return { find, algorithms };
}

function checkPublicKey(key: object): Key {
  checkNames(key, ["pem", "algorithm"], undefined, "key.");
  const { pem, algorithm } = key as Given;
  const kind = typeof pem === "string" ? /^\s*-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/.exec(pem)?.[1] : undefined;
  // Nor does a private key belong on a listener.
  if (kind === undefined) throw wrongKind("key.pem", "a public key or a certificate in PEM");
  checkAlgorithm("key.algorithm", algorithm, SIGNING);
  const imported = (kind === "CERTIFICATE" ? importX509 : importSPKI)(pem as string, algorithm as string);
  // Told to whoever asks for it.
  imported.catch(ignore);
  return { find: () => imported, algorithms: [algorithm as string] };
}

function checkSigningKey(key: unknown): { readonly key: Promise<CryptoKey | Uint8Array>; readonly algorithm: string } {
  if (typeof key === "object" && key !== null) {
    if ("pem" in key) return checkPrivateKey(key);
    if ("secret" in key) {
      const { bytes, algorithm } = checkSecretBytes(key);
      return { key: Promise.resolve(bytes), algorithm };
    }
  }
  throw wrongKind("key", 'an object with "pem" or "secret"');
}

function checkPrivateKey(key: object): { readonly key: Promise<CryptoKey>; readonly algorithm: string } {
  checkNames(key, ["pem", "algorithm"], undefined, "key.");
  const { pem, algorithm } = key as Given;
  if (typeof pem !== "string" || !/^\s*-----BEGIN PRIVATE KEY-----/.test(pem)) {
    throw wrongKind("key.pem", "a private key in PEM (PKCS #8), not encrypted");
  }
  checkAlgorithm("key.algorithm", algorithm, SIGNING);
  const imported = importPKCS8(pem, algorithm as string);
  // Told to whoever asks for a token.
  imported.catch(ignore);
  return { key: imported, algorithm: algorithm as string };
}

const OWN_CLAIMS = ["sub", "iss", "aud", "exp", "iat", "jti"];

function checkOwnClaims(claims: unknown = {}): object {
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
    throw wrongKind("customClaims", "an object");
  }
  const taken = OWN_CLAIMS.find((name) => name in claims);
  if (taken !== undefined) throw new TypeError(`Cannot use the option "customClaims": "${taken}" is set otherwise`);
  return claims;
}

function checkSecret(key: object): Key {
  const { bytes, algorithm } = checkSecretBytes(key);
  return { find: () => Promise.resolve(bytes), algorithms: [algorithm] };
}

function checkSecretBytes(key: object): { readonly bytes: Uint8Array; readonly algorithm: string } {
  checkNames(key, ["secret", "algorithm"], undefined, "key.");
  const { secret, algorithm = "HS256" } = key as Given;
  const bytes = secret instanceof Uint8Array
    ? secret.slice()
    : typeof secret === "string"
    ? encodeUtf8(secret)
    : undefined;
  if (bytes === undefined) throw wrongKind("key.secret", "a string or a Uint8Array");
  if (bytes.length < LEAST_SECRET) {
    throw new RangeError(`Cannot use the option "key.secret": it has less than ${LEAST_SECRET} bytes`);
  }
  checkAlgorithm("key.algorithm", algorithm, SECRET);
  return { bytes, algorithm: algorithm as string };
}

function checkAlgorithm(option: string, algorithm: unknown, known: readonly unknown[]): void {
  if (!known.includes(algorithm)) throw wrongKind(option, `one of ${known.join(", ")}`);
}

function checkUrl(url: unknown): URL {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url as string | URL);
  } catch {
    // Refused below, as what is none.
  }
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) throw wrongKind("key.jwks", "a URL of HTTP");
  // No runtime fetches it, and the errors of some have all of it.
  if (parsed.username + parsed.password !== "") throw wrongKind("key.jwks", "a URL without a user name and a password");
  return parsed;
}

function checkStrings(given: Given, name: string): string[] | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const list: unknown = typeof value === "string" ? [value] : value;
  if (Array.isArray(list) && list.every((text) => typeof text === "string")) return [...list];
  throw wrongKind(name, "a string, or a list of strings");
}

function checkClaims(claims: unknown = {}): object {
  const isValue = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);
  if (typeof claims === "object" && claims !== null && Object.values(claims).every(isValue)) return claims;
  throw wrongKind("customClaims", "an object of strings, numbers and booleans");
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };
}

function ignore(): void {}
