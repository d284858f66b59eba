/**
 * The API reference, docs/api.md and docs/api/: what the docstrings of all public entries say, as read by `deno doc`. A
 * new export gets its place by the folder of its source, or by a tag `@category` in its docstring. By itself
 * (`npm run api`) it tells whether the committed reference is that one; with `--write` it writes it.
 */

import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Entries, type Export, exportsOf, modulesOf, publicEntries, readDocs, undocumented } from "./api_docs.ts";
import { type Subject, writePages } from "./api_markdown.ts";
import { type Finished, ROOT, runCommand } from "./command.ts";
import { findRuntimes } from "./runtimes.ts";

const PREFACE = `
Every name that can be imported, by subject. These pages are made from the docstrings in the sources: change those, and
\`npm run fix\` writes the pages. Times are seconds, fractions allowed, and sizes are bytes, unless something else is said.
Fields of interfaces are read-only. What is of the kind interface or type exists for the compiler only.
`.trim();

const DOCUMENTS = join(ROOT, "docs");

/** What is told together on one page. */
interface Chapter {
  readonly title: string;
  /** Behind what the module itself says, where the chapter is about an entry. */
  readonly about: string;
  /** The folders and files that belong to it. */
  readonly sources: readonly string[];
  /** What comes first; all else stands as its entry has it. */
  readonly first: string;
}

const CHAPTERS: readonly Chapter[] = [
  {
    title: "Client",
    about: "A connection to a server. Guide: [client](client.md), [options](options.md#client).",
    sources: ["src/client/"],
    first: "Client AnyClient ClientOptions ClientConfiguration RequestConfiguration RetryConfig",
  },
  {
    title: "Listener",
    about: "Accepts connections. Guide: [server](server.md), [options](options.md#listener).",
    sources: ["src/service/listener.ts", "src/service/router.ts", "src/service/session_set.ts", "src/service/guest.ts"],
    first: "Listener AnyListener ListenerConfiguration RequestLimits Router",
  },
  {
    title: "TLS",
    about:
      "Certificates, versions, and who the peer is. Guide: [TLS](tls.md), [options](options.md#tls-of-a-listener).",
    sources: [
      "src/transport/tls.ts",
      "src/transport/secure_options.ts",
      "src/client/secure_socket.ts",
      "src/service/secure_socket.ts",
    ],
    first: "ListenerSecureSocket MutualSsl ClientSecureSocket SecureConfiguration CertKey KeyStore TlsProtocol",
  },
  {
    title: "Upgrade",
    about:
      "How a request becomes a connection. Guide: [server](server.md#deciding-an-upgrade), [options](options.md#upgrade-service).",
    sources: ["src/handshake/"],
    first: "UpgradeService UpgradeServiceOptions UpgradeContext UpgradeResult",
  },
  {
    title: "Service",
    about: "What answers the messages of a connection. Guide: [handlers](server.md#handlers), [dispatch](dispatch.md).",
    sources: ["src/service/"],
    first: "Service ServiceHandlers Caller bind dispatch broadcast DispatchConfiguration",
  },
  {
    title: "Messages",
    about: "What is read and written, and within which limits. Guide: [options](options.md#every-connection).",
    sources: ["src/transport/", "src/streams/"],
    first: "Message ConnectionConfiguration",
  },
  {
    title: "Binding",
    about: "What messages are checked and typed by. Guide: [binding](binding.md).",
    sources: ["src/binding/"],
    first: "Bindable json text bytes union",
  },
  {
    title: "Closing",
    about: "How a connection ends. Guide: [close codes](errors.md#close-codes-that-we-send).",
    sources: ["src/service/close_frame.ts"],
    first: "Closure closeFrame CloseFrame",
  },
  {
    title: "Errors",
    about: "What goes wrong, by class and code. Guide: [errors](errors.md#error-classes).",
    sources: ["src/errors.ts"],
    first: "WebSocketError ErrorCode",
  },
  {
    title: "hawser/auth",
    about: "Guide: [authentication](authentication.md), [Basic](auth_basic.md).",
    sources: ["src/auth/"],
    first: "Authenticator Identity ClientAuth TokenFrom basicAuth fileUserStore hashPassword",
  },
  {
    title: "hawser/auth/jwt",
    about: "Guide: [JSON Web Tokens](auth_jwt.md).",
    sources: [],
    first: "jwtAuth issuedJwt",
  },
  {
    title: "hawser/auth/ldap",
    about: "Guide: [users in a directory](auth_ldap.md).",
    sources: [],
    first: "ldapUserStore",
  },
  {
    title: "hawser/auth/oauth2",
    about: "Guide: [OAuth 2.0](auth_oauth2.md).",
    sources: [],
    first: "introspectionAuth oauth2Grant",
  },
  {
    title: "hawser/node",
    about: "Guide: [existing servers](existing_servers.md).",
    sources: [],
    first: "upgrade",
  },
  {
    title: "hawser/deno",
    about: "Guide: [existing servers](existing_servers.md#inside-a-denoserve-or-bunserve).",
    sources: [],
    first: "Router RouterOptions",
  },
  {
    title: "hawser/bun",
    about: "Guide: [existing servers](existing_servers.md#inside-a-denoserve-or-bunserve).",
    sources: [],
    first: "Router RouterOptions",
  },
  {
    title: "hawser/browser",
    about: "Guide: [in browsers](browsers.md), [options](options.md#in-a-page).",
    sources: [],
    first: "Client",
  },
  { title: "hawser/xml", about: "Guide: [binding](binding.md#xml).", sources: [], first: "xml xmlWithin" },
];

/** The pages as they should be, formatted, by their path in docs/. */
export type Reference = ReadonlyMap<string, string>;

/**
 * Makes the reference, and tells which docstrings are missing in it, each as a sentence.
 * @throws {Error} when the docstrings cannot be read, or not be told
 */
export async function makeReference(
  deno: string,
  entries: Entries = publicEntries(),
): Promise<{ readonly pages: Reference; readonly missing: readonly string[] }> {
  const docs = await readDocs(deno, Object.values(entries));
  const exports = exportsOf(docs, entries);
  const pages = await formatted(deno, writePages(subjectsOf(exports, modulesOf(docs, entries)), PREFACE));
  return { pages, missing: undocumented(exports) };
}

/** Whether everything has a docstring, and the files in `folder` are the pages that those make. */
export async function checkReference(deno: string, folder: string = DOCUMENTS): Promise<Finished> {
  const { pages, missing } = await makeReference(deno);
  const faults = [...missing, ...await differences(pages, folder)];
  return { ok: faults.length === 0, output: faults.join("\n"), failure: 'see above; "npm run fix" writes the pages' };
}

/** Writes the reference, and takes away what is no part of it any more. */
export async function writeReference(deno: string, folder: string = DOCUMENTS): Promise<void> {
  const { pages: reference } = await makeReference(deno);
  for (const file of await pagesIn(folder)) {
    if (!reference.has(file)) await rm(join(folder, file));
  }
  await mkdir(join(folder, "api"), { recursive: true });
  for (const [file, text] of reference) await writeFile(join(folder, file), text);
}

/** The files that are not those of the reference. */
export async function differences(reference: Reference, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const [file, text] of reference) {
    const there = await readFile(join(folder, file), "utf8").catch(() => undefined);
    if (there === undefined) found.push(`docs/${file} is missing`);
    else if (there.replaceAll("\r\n", "\n") !== text) found.push(`docs/${file} is not what the docstrings say`);
  }
  const others = (await pagesIn(folder)).filter((file) => !reference.has(file));
  return [...found, ...others.map((file) => `docs/${file} is about nothing that is exported`)];
}

/** The exports by subject. What an entry other than "hawser" has for itself is told under its name. */
export function subjectsOf(exports: readonly Export[], modules: ReadonlyMap<string, string>): Subject[] {
  const places = new Map(exports.map((one) => [one, titleOf(one, modules)]));
  const titles = new Set([...CHAPTERS.map(({ title }) => title), ...places.values()]);
  return [...titles].map((title) => {
    const { about = "", first = "" } = CHAPTERS.find((chapter) => chapter.title === title) ?? {};
    const order = first.split(" ");
    const rank = ({ name }: Export): number => order.includes(name) ? order.indexOf(name) : order.length;
    return {
      title,
      about: `${modules.get(title)?.trim() ?? ""} ${about}`.trim(),
      exports: exports.filter((one) => places.get(one) === title).sort((a, b) => rank(a) - rank(b)),
      others: exports.filter((one) => one.entries.includes(title) && places.get(one) !== title),
    };
  }).filter(({ exports }) => exports.length > 0);
}

/**
 * The tag of the docstring, the entry, or the chapter of the source: of that file, or else of its folder. A folder that is
 * in no chapter has one of its own, which is that of the entry of the same name, where there is one.
 */
function titleOf(
  { declarations: [{ jsDoc }], entries: [entry = "hawser"], source }: Export,
  modules: ReadonlyMap<string, string>,
): string {
  const category = jsDoc?.tags?.find(({ kind }) => kind === "category")?.doc?.trim();
  if (category !== undefined) return category;
  if (entry !== "hawser") return entry;
  const sources = CHAPTERS.flatMap(({ title, sources }) => sources.map((start) => ({ title, start })));
  const [best] = sources.filter(({ start }) => source.startsWith(start)).sort((a, b) =>
    b.start.length - a.start.length
  );
  const [, folder = "hawser"] = /^src\/([^/]+)\//.exec(source) ?? [];
  if (best !== undefined) return best.title;
  return modules.has(`hawser/${folder}`) ? `hawser/${folder}` : `${folder.charAt(0).toUpperCase()}${folder.slice(1)}`;
}

/** The same pages as `deno fmt` leaves them. */
async function formatted(deno: string, pages: Reference): Promise<Reference> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-api-"));
  try {
    const result = new Map<string, string>();
    await cp(join(ROOT, "deno.json"), join(folder, "deno.json"));
    await mkdir(join(folder, "api"));
    for (const [file, text] of pages) await writeFile(join(folder, file), text);
    const { ok, output, failure } = await runCommand(deno, [
      "fmt",
      "--quiet",
      "--config",
      join(folder, "deno.json"),
      folder,
    ]);
    if (!ok) throw new Error(`Cannot format the reference: ${failure}\n${output}`);
    for (const file of pages.keys()) result.set(file, await readFile(join(folder, file), "utf8"));
    return result;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function pagesIn(folder: string): Promise<string[]> {
  const pages = existsSync(join(folder, "api")) ? await readdir(join(folder, "api")) : [];
  return [...existsSync(join(folder, "api.md")) ? ["api.md"] : [], ...pages.map((page) => `api/${page}`)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { deno } = await findRuntimes();
  if (process.argv.includes("--write")) await writeReference(deno);
  const { ok, output, failure } = await checkReference(deno);
  console.log(ok ? "docs/api.md and docs/api/ are what the docstrings say" : `${output}\n${failure}`);
  process.exitCode = ok ? 0 : 1;
}
