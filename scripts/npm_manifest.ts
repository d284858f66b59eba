/**
 * The `package.json` of the npm package: name, description, license and engines are those of our own `package.json`,
 * version and subpaths those of `deno.json`. What it says does not depend on who compiled the package.
 */

/** What we read of `deno.json`. */
export interface DenoConfig {
  readonly version: string;
  /** Subpaths to files of the repository, as `"./node"` to `"./src/adapters/node/mod.ts"`. */
  readonly exports: Readonly<Record<string, string>>;
  /**
   * The packages that a subpath needs, such as `"fast-xml-parser"` to `"npm:fast-xml-parser@^5"`. The sources import them
   * by their bare names, which is what a package manager's `node_modules` has for Node, Bun and `npm:hawser` on Deno;
   * `deno publish` writes the `npm:` names instead of them into what goes to JSR; and whoever imports a checkout into a
   * Deno program has the same line in an import map of their own, because Deno reads no other's.
   */
  readonly imports?: Readonly<Record<string, string>>;
}

/** What we read of the repository's own `package.json`. */
export interface OwnPackage {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  /** Commands, to files of the repository. */
  readonly bin?: Readonly<Record<string, string>>;
}

/** Conditions of one subpath, in the order in which they are tried. */
export type Conditions = Readonly<Record<string, string>>;

/** The published manifest. */
export interface Manifest extends OwnPackage {
  readonly type: "module";
  readonly sideEffects: false;
  readonly exports: Readonly<Record<string, string | Conditions>>;
  readonly files: readonly string[];
  /** What a subpath needs, and only that. Its user installs it. */
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: true }>>;
}

/** The folders of the package: what was compiled, its declarations, and the sources that both kinds of map name. */
export const FOLDERS = { code: "esm", types: "types", sources: "src" } as const;

/** The documents that go along. */
export const DOCUMENTS = ["README.md", "LICENSE", "CHANGELOG.md"] as const;

export function isDocument(file: string): boolean {
  return DOCUMENTS.some((document) => document === file);
}

/** The subpath whose entry a bundler for browsers takes instead of the package's own. */
const BROWSER = "./browser";

/**
 * Makes the manifest.
 *
 * @throws {Error} when the two files disagree about the version, or an entry cannot be one
 */
export function makeManifest(deno: DenoConfig, own: OwnPackage): Manifest {
  const { name, version, description, license, engines, bin = {} } = own;
  if (deno.version !== version) {
    throw new Error(`Cannot make a package: deno.json has version ${deno.version}, package.json ${version}`);
  }
  if (deno.exports["."] === undefined) throw new Error('Cannot make a package: deno.json exports no "."');
  const exports: Record<string, string | Conditions> = {};
  for (const [subpath, source] of Object.entries(deno.exports)) {
    const browser = subpath === "." ? deno.exports[BROWSER] : undefined;
    exports[subpath] = {
      types: compiled(FOLDERS.types, source, ".d.ts"),
      ...(browser === undefined ? {} : { browser: compiled(FOLDERS.code, browser, ".js") }),
      // Not "import": a `require` is to find it, too.
      default: compiled(FOLDERS.code, source, ".js"),
    };
  }
  exports["./package.json"] = "./package.json";
  return {
    name,
    version,
    description,
    license,
    type: "module",
    // No module of ours does more than define things when it is loaded.
    sideEffects: false,
    engines,
    ...(Object.keys(bin).length > 0 && {
      bin: Object.fromEntries(
        Object.entries(bin).map(([name, source]) => [name, compiled(FOLDERS.code, source, ".js")]),
      ),
    }),
    exports,
    files: [...Object.values(FOLDERS), "CHANGELOG.md"], // npm takes README and LICENSE by itself
    ...peersOf(deno.imports ?? {}),
  };
}

function peersOf(imports: Readonly<Record<string, string>>): Partial<Manifest> {
  const peers = Object.entries(imports).map(([name, target]): [string, string] => {
    const prefix = `npm:${name}@`;
    if (!target.startsWith(prefix)) {
      throw new Error(`Cannot make a package: "${name}" of deno.json is ${target}, not a version of that npm package`);
    }
    return [name, target.slice(prefix.length)];
  });
  if (peers.length === 0) return {};
  return {
    peerDependencies: Object.fromEntries(peers),
    peerDependenciesMeta: Object.fromEntries(peers.map(([name]) => [name, { optional: true }])),
  };
}

function compiled(folder: string, source: string, extension: string): string {
  const path = /^\.\/(.+)\.ts$/.exec(source)?.[1];
  if (path === undefined) throw new Error(`Cannot make a package: "${source}" is no TypeScript file of the repository`);
  return `./${folder}/${path}${extension}`;
}
