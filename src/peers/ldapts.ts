/**
 * `hawser/auth/ldap`: users in an LDAP directory (features A1), with the package `ldapts` 8, which whoever imports this
 * installs. A user is searched for, the directory itself checks the password (a bind), and groups are scopes.
 *
 * @module
 */

import { Client, type ClientOptions, escapeFilter, ResultCodeError } from "ldapts";
import type { User, UserStore } from "../auth/basic.ts";
import { isScope } from "../auth/scopes.ts";
import { Turnstile } from "../auth/turnstile.ts";
import { AuthError, UpgradeError } from "../errors.ts";
import { printable } from "../printable.ts";
import {
  checkBoolean,
  checkCount,
  checkIsOptions,
  checkNames,
  checkSeconds,
  checkText,
  type Given,
  wrongKind,
} from "../option_check.ts";

export type { User, UserStore } from "../auth/basic.ts";

/** How the directory's certificate is checked: fields of `tls.connect`. */
export interface LdapTls {
  /** The authorities that are trusted, in PEM. Default: those of the runtime. */
  readonly ca?: string | readonly string[];
  /** Our own certificate, in PEM. */
  readonly cert?: string;
  /** Its key, in PEM. */
  readonly key?: string;
}

/** Options of `ldapUserStore`. Times are seconds, fractions allowed. */
export interface LdapOptions {
  /** Where the directory is: `ldaps://host`, or `ldap://host` with `startTls`, with a port if it is another. */
  readonly url: string;
  /** Begins with TLS behind `ldap:` (RFC 4511 §4.14). Default false. */
  readonly startTls?: boolean;
  /** How its certificate is checked. */
  readonly tls?: LdapTls;
  /** Takes `ldap:` without TLS: everybody on the way reads the passwords. For tests. Default false. */
  readonly allowInsecureConnection?: boolean;
  /** The name (DN) that the store searches under. Default: it does not say who it is. */
  readonly connectionName?: string;
  /** The password of that name. */
  readonly connectionPassword?: string;
  /** The entry below which the users are, such as `ou=people,dc=example,dc=com`. */
  readonly userSearchBase: string;
  /** Which entry is a user's (RFC 4515): `{username}` stands for the name. Default `(uid={username})`. */
  readonly userFilter?: string;
  /** The attribute that is the user's name in the identity. Default `uid`. */
  readonly userNameAttribute?: string;
  /** The entry below which the groups are. Default: none, and no user has a scope. */
  readonly groupSearchBase?: string;
  /** Which groups a user is in: `{dn}` stands for the user's entry, `{username}` for the name. Default `(member={dn})`. */
  readonly groupFilter?: string;
  /** The attribute that is the scope. Default `cn`. */
  readonly groupNameAttribute?: string;
  /** How long it may take to check one user, all in all. Default 10. */
  readonly timeout?: number;
  /** Users that are checked at once; each takes up to two connections. Default 4. */
  readonly maxConcurrentChecks?: number;
  /** Those that wait for their turn; one more is answered with 503. Default 100. */
  readonly maxWaitingChecks?: number;
  /** How long a connection is kept that nobody uses; those with `startTls` are not kept. Default 30. */
  readonly idleTimeout?: number;
}

/** A store of the users in a directory. */
export interface LdapUserStore extends UserStore {
  /** Lets go of the connections that are kept, which hold up the end of the process for as long as `idleTimeout`. */
  close(): void;
}

const NAMES: readonly (keyof LdapOptions)[] = [
  "url",
  "startTls",
  "tls",
  "allowInsecureConnection",
  "connectionName",
  "connectionPassword",
  "userSearchBase",
  "userFilter",
  "userNameAttribute",
  "groupSearchBase",
  "groupFilter",
  "groupNameAttribute",
  "timeout",
  "maxConcurrentChecks",
  "maxWaitingChecks",
  "idleTimeout",
];

/**
 * A store of the users in an LDAP directory. Nothing is connected to before somebody logs in. While the directory cannot be
 * reached, nobody is let in: 503, and `onError` hears why.
 *
 * @throws {TypeError} when an option is none, or of the wrong kind
 * @throws {RangeError} when a number is out of range
 */
export function ldapUserStore(options: LdapOptions): LdapUserStore {
  checkIsOptions(options);
  checkNames(options, NAMES);
  return new Directory({ ...options });
}

class Directory implements LdapUserStore {
  readonly #where: Where;
  readonly #users: { readonly base: string; readonly filter: string; readonly name: string };
  readonly #groups: { readonly base: string; readonly filter: string; readonly name: string } | undefined;
  readonly #timeoutMs: number;
  readonly #turnstile: Turnstile;
  /** Connections that search, and those that passwords are tried on: they are whoever logged in last. */
  readonly #searching: Pool;
  readonly #trying: Pool;

  constructor(given: Given) {
    const text = (name: string, fallback: string): string => checkText(given, name) ?? fallback;
    const base = checkText(given, "userSearchBase");
    if (base === undefined) throw wrongKind("userSearchBase", "the name of an entry");
    const groupBase = checkText(given, "groupSearchBase");
    const timeoutMs = this.#timeoutMs = Math.ceil(checkSeconds(given, "timeout", 10, false));
    if (timeoutMs === 0) throw new RangeError('Cannot use the option "timeout": it is 0');
    this.#where = checkWhere(given, timeoutMs);
    this.#users = { base, filter: text("userFilter", "(uid={username})"), name: text("userNameAttribute", "uid") };
    this.#groups = groupBase === undefined ? undefined : {
      base: groupBase,
      filter: text("groupFilter", "(member={dn})"),
      name: text("groupNameAttribute", "cn"),
    };
    const atOnce = checkCount(given, "maxConcurrentChecks", 4, 1);
    this.#turnstile = new Turnstile(atOnce, checkCount(given, "maxWaitingChecks", 100, 0));
    const idle = checkSeconds(given, "idleTimeout", 30, false);
    // What began without TLS does not tell when it is cut (ldapts 8.2): whoever got it next would wait for nothing.
    const idleMs = this.#where.startTls === undefined ? idle : 0;
    const name = checkText(given, "connectionName");
    const password = checkText(given, "connectionPassword");
    if ((name === undefined) !== (password === undefined)) {
      throw new TypeError('Cannot use the option "connectionName": it and "connectionPassword" need each other');
    }
    this.#searching = new Pool(async () => {
      const connection = await connect(this.#where, true);
      try {
        if (name !== undefined) await connection.bind(name, password);
        return connection;
      } catch (error) {
        letGo(connection);
        throw error;
      }
    }, idleMs);
    this.#trying = new Pool(() => connect(this.#where, false), idleMs);
  }

  async verify(username: string, password: string, signal: AbortSignal): Promise<User | undefined> {
    // A bind without a password is one without a name, and succeeds. RFC 4513 §5.1.2
    if (username === "" || password === "") return undefined;
    try {
      return await this.#turnstile.run(() => this.#verify(username, password), signal);
    } catch (error) {
      if (signal.aborted || error instanceof UpgradeError || error instanceof AuthError) throw error;
      throw new AuthError(`Cannot check the user: the directory at ${this.#where.host} cannot be asked`, {
        // Its own errors may have the whole request.
        cause: new Error(error instanceof Error ? printable(`${error.name}: ${error.message}`) : "unknown"),
        temporary: true,
      });
    }
  }

  close(): void {
    this.#searching.close();
    this.#trying.close();
  }

  #verify(username: string, password: string): Promise<User | undefined> {
    const { base, filter, name } = this.#users;
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    return this.#searching.use(deadline, async (search) => {
      const options = { filter: filled(filter, { username }), attributes: [name], sizeLimit: 2 };
      const { searchEntries: found } = await search.search(base, options);
      // Two of that name are nobody: whose password it is could not be told.
      const entry = found.length === 1 ? found[0] : undefined;
      // Whoever is not there is asked for a password, too, so that time does not tell.
      const isPassword = await this.#trying.use(deadline, (login) => isPasswordOf(login, entry?.dn ?? base, password));
      if (entry === undefined || !isPassword) return undefined;
      const [known = username] = valuesOf(entry, name);
      return { name: known, scopes: await this.#scopesOf(search, entry.dn, username) };
    });
  }

  async #scopesOf(connection: Client, dn: string, username: string): Promise<readonly string[]> {
    if (this.#groups === undefined) return [];
    const { base, filter, name } = this.#groups;
    const { searchEntries } = await connection.search(base, {
      filter: filled(filter, { dn, username }),
      attributes: [name],
    });
    return searchEntries.flatMap((entry) => valuesOf(entry, name)).filter(isScope);
  }
}

/** Where the directory is, and how to get there. */
interface Where {
  readonly host: string;
  readonly options: ClientOptions;
  /** The arguments of TLS that begins later; undefined: it does not. */
  readonly startTls: Parameters<Client["startTLS"]>[0] | undefined;
}

function checkWhere(given: Given, timeoutMs: number): Where {
  const startTls = checkBoolean(given, "startTls", false);
  const insecure = checkBoolean(given, "allowInsecureConnection", false);
  const url = given["url"];
  const [, scheme, host, port] = typeof url === "string"
    ? /^(ldaps?):\/\/(\[[\da-fA-F:.]+\]|[^\s/?#@:[\]]+)(:\d{1,5})?\/?$/.exec(url) ?? []
    : [];
  if (scheme === undefined || host === undefined) {
    throw wrongKind("url", "ldaps://host or ldap://host, with a port or without");
  }
  if (scheme === "ldaps" && startTls) throw new TypeError('Cannot use the option "startTls": "ldaps:" has TLS already');
  if (scheme === "ldap" && !startTls && !insecure) {
    const reason = 'it is not "ldaps:", and neither "startTls" nor "allowInsecureConnection" is set';
    throw new TypeError(`Cannot use the option "url": ${reason}`);
  }
  const { tls = {} } = given;
  if (typeof tls !== "object" || tls === null) throw wrongKind("tls", "an object");
  checkNames(tls, ["ca", "cert", "key"], undefined, "tls.");
  const name = host.replace(/^\[|\]$/g, "");
  const isAddress = /^[\d.]+$|:/.test(name);
  // What a certificate has to name; an address may not be told as a server name. RFC 6066 §3
  const secure = { ...tls as object, host: name, ...(isAddress ? {} : { servername: name }) };
  return {
    host: host + (port ?? ""),
    startTls: startTls ? secure : undefined,
    options: {
      url: `${scheme}://${host}${port ?? ""}`,
      timeout: timeoutMs,
      connectTimeout: timeoutMs,
      ...(scheme === "ldaps" && { tlsOptions: secure }),
    },
  };
}

/**
 * A connection on which everything is encrypted that is to be.
 *
 * @param autoRebind whether it says again who it is, when it is lost and connects anew by itself
 */
async function connect({ options, startTls }: Where, autoRebind: boolean): Promise<Client> {
  const own: ClientOptions = { ...options, autoRebind };
  const connection = new Client(own);
  // It connects when it is asked for something.
  if (startTls === undefined) return connection;
  try {
    await connection.startTLS({ ...startTls });
    // Else it would connect anew by itself when it is lost, and say passwords without TLS (ldapts 8.2).
    own.createConnection = lost;
    return connection;
  } catch (error) {
    letGo(connection);
    throw error;
  }
}

function lost(): never {
  throw new Error("The connection is lost");
}

/** Connections that nobody uses at the moment, and how to get another. */
class Pool {
  readonly #open: () => Promise<Client>;
  readonly #idleMs: number;
  readonly #idle = new Map<Client, ReturnType<typeof setTimeout>>();

  constructor(open: () => Promise<Client>, idleMs: number) {
    this.#open = open;
    this.#idleMs = idleMs;
  }

  /** Lends a connection. One on which something failed, or took too long, is not lent again. */
  async use<T>(deadline: AbortSignal, act: (connection: Client) => Promise<T>): Promise<T> {
    const connection = this.#take() ?? await within(deadline, this.#open(), letGo);
    try {
      const result = await within(deadline, act(connection));
      this.#keep(connection);
      return result;
    } catch (error) {
      letGo(connection);
      throw error;
    }
  }

  close(): void {
    for (const [connection, timer] of this.#idle) {
      clearTimeout(timer);
      letGo(connection);
    }
    this.#idle.clear();
  }

  #take(): Client | undefined {
    for (const [connection, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(connection);
      if (connection.isConnected) return connection;
    }
    return undefined;
  }

  #keep(connection: Client): void {
    if (this.#idleMs === 0) return letGo(connection);
    const drop = (): void => {
      this.#idle.delete(connection);
      letGo(connection);
    };
    this.#idle.set(connection, setTimeout(drop, this.#idleMs));
  }
}

/** @param drop what to do with what comes too late */
function within<T>(deadline: AbortSignal, work: Promise<T>, drop?: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => {
      work.then(drop, ignore);
      reject(new Error("It took too long"));
    };
    if (deadline.aborted) return late();
    deadline.addEventListener("abort", late);
    work.then(resolve, reject).finally(() => deadline.removeEventListener("abort", late));
  });
}

/**
 * The results of a bind that say something of this entry, or of its password, and not of the directory: too many attempts,
 * no such entry, no name, no password there, the wrong one, no access, an account that is switched off. RFC 4511 §A
 */
const REFUSALS: readonly number[] = [19, 32, 34, 48, 49, 50, 53];

async function isPasswordOf(connection: Client, dn: string, password: string): Promise<boolean> {
  try {
    await connection.bind(dn, password);
    return true;
  } catch (error) {
    // The connection is nobody's then, and as good as before.
    if (error instanceof ResultCodeError && REFUSALS.includes(error.code)) return false;
    throw error;
  }
}

/** Each value is escaped: whatever it has in it, it is looked for, and nothing else. RFC 4515 §3 */
function filled(filter: string, values: Readonly<Record<string, string>>): string {
  return filter.replace(/\{(\w+)\}/g, (all, name: string) => {
    const value = values[name];
    return value === undefined ? all : escapeFilter`${value}`;
  });
}

/** A directory writes the name of an attribute as its schema does, in whatever case it was asked for. RFC 4512 §2.5 */
function valuesOf(entry: Readonly<Record<string, unknown>>, attribute: string): readonly string[] {
  const name = Object.keys(entry).find((key) => key.toLowerCase() === attribute.toLowerCase());
  return [name === undefined ? undefined : entry[name]].flat().filter((value) =>
    typeof value === "string" && value !== ""
  ) as string[];
}

/** Says goodbye, and waits for nobody: the directory does not answer that. */
function letGo(connection: Client): void {
  connection.unbind().catch(ignore);
}

function ignore(): void {}
