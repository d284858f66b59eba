/**
 * Passwords as they are kept (features A1): salted scrypt (RFC 7914), in one line of text that says how it was made. By
 * `node:crypto`, which Deno and Bun have too: WebCrypto has no hash that costs memory.
 */

import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";

/** What a hash costs. The memory for one is 2^`ln` times `r` times 128 bytes. */
export interface HashCost {
  /** The cost of processor and memory as a power of two, 10 to 20. Default 15: 32 MiB with `r` of 8. */
  readonly ln?: number;
  /** The size of a block, 1 to 32. Default 8. */
  readonly r?: number;
  /** How often it is done, 1 to 16. Default 3. */
  readonly p?: number;
}

/** A kept password, read. */
export interface PasswordHash {
  readonly cost: Required<HashCost>;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** OWASP's password storage cheat sheet, for 32 MiB: about a quarter of a second. */
const COST: Required<HashCost> = { ln: 15, r: 8, p: 3 };
const BOUNDS: Readonly<Record<keyof HashCost, readonly [number, number]>> = { ln: [10, 20], r: [1, 32], p: [1, 16] };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** The string format of PHC. */
const FORMAT = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/;

/**
 * Hashes a password for a user file, as `$scrypt$ln=15,r=8,p=3$salt$hash`. Takes about a quarter of a second and 32 MiB.
 *
 * @throws {TypeError} as a rejection, when the password is no text, or empty
 * @throws {RangeError} as a rejection, when the cost is out of range
 */
export async function hashPassword(password: string, cost: HashCost = {}): Promise<string> {
  if (typeof password !== "string" || password === "") throw new TypeError("Cannot hash the password: it is empty");
  const full = { ...COST, ...cost };
  checkCost(full);
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, HASH_BYTES, full);
  return `$scrypt$ln=${full.ln},r=${full.r},p=${full.p}$${base64(salt)}$${base64(hash)}`;
}

/** Reads what `hashPassword` makes; undefined when it is nothing of that kind. */
export function parseHash(text: string): PasswordHash | undefined {
  const [, ln, r, p, salt, hash] = FORMAT.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  try {
    checkCost(cost);
  } catch {
    return undefined;
  }
  return { cost, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
}

/** Of nobody's password, for users that there are not: looking at it costs what looking at `hash` costs. */
export function decoyOf({ cost, salt, hash }: PasswordHash): PasswordHash {
  return { cost, salt: randomBytes(salt.length), hash: randomBytes(hash.length) };
}

/** What a user file costs that is empty. */
export const DECOY: PasswordHash = decoyOf({
  cost: COST,
  salt: new Uint8Array(SALT_BYTES),
  hash: new Uint8Array(HASH_BYTES),
});

/** Whether it is the password that was hashed. Takes the same time whatever it is. */
export async function isPassword(password: string, { cost, salt, hash }: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, salt, hash.length, cost), hash);
}

function derive(password: string, salt: Uint8Array, length: number, cost: Required<HashCost>): Promise<Uint8Array> {
  const { ln, r, p } = cost;
  const N = 2 ** ln;
  // Twice what it needs: OpenSSL counts some of its own.
  const options: ScryptOptions = { N, r, p, maxmem: 2 * 128 * N * r + 128 * r * p };
  return new Promise((resolve, reject) => {
    // However the characters were typed. RFC 8265 §4.2
    scrypt(password.normalize("NFC"), salt, length, options, (error, key) => error ? reject(error) : resolve(key));
  });
}

function checkCost(cost: Required<HashCost>): void {
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value = cost[name as keyof HashCost];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`Cannot hash the password: "${name}" is ${value}, not an integer from ${least} to ${most}`);
    }
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
