/**
 * docs/options.md and docs/errors.md say what the sources say: no option, default, limit, class or code more or less. So do
 * the docstrings of the options, as they stand in docs/api/.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { ROOT } from "../scripts/command.ts";
import { checkClient } from "../src/client/options.ts";
import { checkRetry } from "../src/client/retry_options.ts";
import { checkClientSecure } from "../src/client/secure_socket.ts";
import type { ErrorCode } from "../src/errors.ts";
import { checkListener, checkService } from "../src/service/options.ts";
import { checkListenerSecure } from "../src/service/secure_socket.ts";
import * as everything from "../mod.ts";
import { codeIn, membersUnder, rowsUnder } from "./support/documents.ts";
import { withoutComments } from "./support/source_text.ts";

const OPTIONS = read("docs/options.md");
const ERRORS = read("docs/errors.md");
const REFERENCE = readdirSync(join(ROOT, "docs/api")).map((file) => read(`docs/api/${file}`)).join("\n");

type Given = Record<string, unknown>;
type Row = ReadonlyMap<string, string>;

interface Checked {
  /** Under which headings its options are. */
  readonly headings: readonly string[];
  readonly check: (given: Given) => unknown;
  /** Where its names are, and as what. */
  readonly source: string;
  readonly names: string;
  readonly refusals: string;
}

const CHECKED: Readonly<Record<string, Checked>> = {
  "client": {
    headings: ["Client", "Every connection"],
    check: (given) => checkClient(given),
    source: "src/client/options.ts",
    names: "NAMES",
    refusals: "none are refused",
  },
  "listener": {
    headings: ["Listener"],
    check: (given) => checkListener(0, given),
    source: "src/service/options.ts",
    names: "LISTENER_NAMES",
    refusals: "LISTENER_REFUSALS",
  },
  "listener with TLS": {
    headings: ["TLS of a listener", "TLS of both sides"],
    check: (given) => checkListenerSecure({ key: { path: "key.p12", password: "x" }, ...given }),
    source: "src/service/secure_socket.ts",
    names: "SECURE_SOCKET_NAMES",
    refusals: "none are refused",
  },
  "client with TLS": {
    headings: ["TLS of a client", "TLS of both sides"],
    check: (given) => checkClientSecure(given, true),
    source: "src/client/secure_socket.ts",
    names: "SECURE_SOCKET_NAMES",
    refusals: "none are refused",
  },
  "client that reconnects": {
    headings: ["Reconnecting"],
    check: checkRetry,
    source: "src/client/retry_options.ts",
    names: "NAMES",
    refusals: "none are refused",
  },
  "upgrade service": {
    headings: ["Upgrade service", "Every connection"],
    check: (given) => checkService(given),
    source: "src/service/options.ts",
    names: "SERVICE_NAMES",
    refusals: "SERVICE_REFUSALS",
  },
};
/** Names that a list takes over from elsewhere, and where. */
const SPREAD = {
  CONNECTION_NAMES: "src/streams/connection_options.ts",
  REQUEST_NAMES: "src/client/request_options.ts",
  SECURE_NAMES: "src/transport/secure_options.ts",
};
const FRACTIONS = ["seconds", "factor"];
const INTEGERS = ["bytes", "count", "characters"];

describe.each(Object.entries(CHECKED))("the options of a %s", (of, { headings, check, source, names, refusals }) => {
  const rows = headings.flatMap((heading) => rowsUnder(OPTIONS, heading));
  const numbers = rows.filter((row) => row.get("least") !== "");
  const settings = (given: Given): string => JSON.stringify(check(given), (_, value) => plain(value));

  it("are all in the tables, and nothing else is", () => {
    const spread = Object.entries(SPREAD).filter(([name]) => textOf(read(source), names).includes(`...${name}`));
    const code = withoutComments([source, ...spread.map(([, file]) => file)].map(read).join("\n"));
    const own = [names, ...spread.map(([name]) => name)].flatMap((name) => list(code, name));
    const known = own.flatMap((name) => membersOf(code, name).map((member) => name + member));
    expect(rows.map((row) => codeIn(row.get("option"))).sort()).toEqual(known.sort());
  });

  it("have the defaults that are said", () => {
    const wrong = rows.filter((row) => {
      const value = defaultOf(row);
      return value !== undefined && settings(given(row, value)) !== settings({});
    });
    expect(wrong.map((row) => row.get("option"))).toEqual([]);
    // A default that is not told would escape the above.
    expect(numbers.filter((row) => defaultOf(row) === undefined).map((row) => row.get("option"))).toEqual(
      headings.includes("Every connection") ? ["`maxStreamedMessageSize`", "`maxFrameSize`"] : [],
    );
  });

  it("have the effect and the range that are said", () => {
    for (const row of numbers) {
      const option = row.get("option");
      const least = numberIn(row.get("least"));
      const other = (numberIn(row.get("default")) ?? 100) + 1;
      expect(settings(given(row, other)), option).not.toBe(settings({}));
      expect(() => check(given(row, least)), option).not.toThrow();
      expect(() => check(given(row, (least ?? 0) - 1)), option).toThrow(RangeError);
      const fraction = (): unknown => check(given(row, other + 0.5));
      expect([...FRACTIONS, ...INTEGERS], option).toContain(row.get("type"));
      if (FRACTIONS.includes(row.get("type") ?? "")) expect(fraction, option).not.toThrow();
      else expect(fraction, option).toThrow(RangeError);
    }
  });

  it("that are refused are in their table, and nothing else is", () => {
    const told = rowsUnder(OPTIONS, "Understood and refused").filter((row) => row.get("of") === of)
      .map((row) => codeIn(row.get("option")) ?? "");
    const map = withoutComments(read(source)).match(
      new RegExp(`const ${refusals}\\b[^=]*= new Map\\(([\\s\\S]*?)^\\]\\);`, "m"),
    )?.[1];
    expect(told.sort()).toEqual([...(map ?? "").matchAll(/\[\s*"(\w+)"/g)].map(([, name]) => name).sort());
    for (const name of told) expect(() => check({ [name]: true }), name).toThrow(TypeError);
  });
});

/** Which interfaces of the API reference the tables of options are about. */
const INTERFACES: Readonly<Record<string, readonly string[]>> = {
  "TLS of a listener": ["ListenerSecureSocket"],
  "TLS of a client": ["ClientSecureSocket"],
  "TLS of both sides": ["SecureConfiguration", "TlsProtocol"],
  "Client": ["ClientOptions", "RequestConfiguration", "ConnectionConfiguration"],
  "A cookie": ["Cookie"],
  "Reconnecting": ["RetryConfig"],
  "Listener": ["ListenerConfiguration", "RequestLimits"],
  "Upgrade service": ["UpgradeService", "UpgradeServiceOptions", "DispatchConfiguration", "ConnectionConfiguration"],
  "Every connection": ["ConnectionConfiguration", "ReadAhead"],
  "Compression": ["CompressionOptions"],
};
/** What a docstring calls what is measured so. */
const UNITS: Readonly<Record<string, RegExp>> = {
  seconds: /\bseconds\b/i,
  bytes: /\bbytes\b/i,
  characters: /\bcharacters\b/i,
  factor: /\bfactor\b/i,
};

describe.each(Object.entries(INTERFACES))("the docstrings of the options under %s", (heading, interfaces) => {
  const rows = rowsUnder(OPTIONS, heading);
  const docstrings = new Map(interfaces.flatMap((name) => [...membersUnder(REFERENCE, name)]));
  const option = (row: Row): string => codeIn(row.get("option") ?? row.get("field")) ?? "";
  const docstring = (row: Row): string => {
    const path = option(row).split(".");
    return docstrings.get(path.at(-1) ?? "") ?? docstrings.get(path[0] ?? "") ?? "";
  };

  it("say the unit that the table says", () => {
    const silent = rows.filter((row) => {
      const unit = UNITS[row.get("type") ?? ""];
      return unit !== undefined && !unit.test(docstring(row));
    });
    expect(silent.map(option)).toEqual([]);
  });

  it("say the default that the table says", () => {
    const wrong = rows.filter((row) => {
      const [, said] = /\b(?:Default|(?=Required\.))(.*)$/.exec(docstring(row)) ?? [];
      const value = codeIn(row.get("default"));
      if (value !== undefined) return !hasWord(said ?? "", value);
      return row.get("default") === "required" ? said !== "Required." : !said?.startsWith(": ");
    });
    expect(wrong.map((row) => `${option(row)}: ${docstring(row)}`)).toEqual([]);
  });

  it("are about no option that the tables do not have", () => {
    const names = Object.keys(INTERFACES).flatMap((heading) => rowsUnder(OPTIONS, heading)).map(option);
    const unknown = [...docstrings.keys()].filter((name) => !names.some((known) => known.split(".").includes(name)));
    expect(unknown).toEqual([]);
  });
});

/** Limits of what is no client, listener or service, by the function: where the reference tells them. */
const OTHERS: Readonly<Record<string, readonly [type: string, ...members: string[]]>> = {
  fileUserStore: ["UserFileOptions", "maxConcurrentChecks", "maxWaitingChecks"],
  ldapUserStore: ["LdapOptions", "maxConcurrentChecks", "maxWaitingChecks", "timeout"],
  jwtAuth: ["KeySet", "timeout", "cooldown"],
  introspectionAuth: ["IntrospectionAuthOptions", "maxConcurrentChecks", "maxWaitingChecks"],
};

describe.each([["SECURITY.md", "What we bound"], ["docs/security.md", "Limits"]])(
  "the limits of %s",
  (file, heading) => {
    it("have the defaults that are told elsewhere", () => {
      const rows = rowsUnder(read(file), heading);
      expect(rows.length).toBeGreaterThan(20);
      for (const row of rows) {
        const [option = "", said = []] = [row.get("option"), numbersIn(row.get("default"))];
        const [type, ...members] = OTHERS[codeIn(option) ?? ""] ?? [];
        if (type === undefined) {
          expect(said, option).toEqual(defaultsOf(option));
        } else {
          const told = membersUnder(REFERENCE, type);
          const defaults = members.map((member) => Number(/Default (\d+)/.exec(told.get(member) ?? "")?.[1]));
          // What is no option may stand there too.
          expect(said, option).toEqual(expect.arrayContaining(defaults));
        }
      }
    });

    /** What docs/options.md tells of all options that `cell` names, but for those that are off. */
    function defaultsOf(cell: string): number[] {
      const tables = cell.includes("(client)")
        ? ["Client", "Every connection", "Reconnecting"]
        : ["Listener", "Upgrade service", "Every connection", "Compression", "TLS of both sides"];
      const all = tables.flatMap((table) => rowsUnder(OPTIONS, table).map((row) => ({ table, row })));
      return [...cell.matchAll(/`([\w.]+)[^`]*`/g)].flatMap(([, name = ""]) => {
        if (name === "xmlWithin") return [];
        const field = name.replace(/^(secureSocket|retryConfig)\./, "");
        const found = all.filter(({ row }) => {
          const option = codeIn(row.get("option") ?? row.get("field")) ?? "";
          // Their names have what they are in, in the one place, and not in the other.
          return [option, `.${option.split(".").at(-1)}`].includes(field) || option.startsWith(`${field}.`);
        });
        expect(found, name).not.toEqual([]);
        return found.flatMap(({ row }) => numbersIn(row.get("default")));
      });
    }

    /** Zero is what switches a limit off. */
    function numbersIn(cell = ""): number[] {
      const numbers = cell.match(/-?\d+(?: \d{3})*/g) ?? [];
      return numbers.map((text) => Number(text.replaceAll(" ", ""))).filter((number) => number > 0);
    }
  },
);

describe("what a peer is told", () => {
  const code = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts")).map((file) => withoutComments(read(`src/${file}`))).join("\n");

  it("has every HTTP status that a source names in the table", () => {
    const named = code.matchAll(/\b(?:status: |refuse\(response, |refusal\(|UpgradeError\()(\d{3})\b/g);
    const statuses = new Set([...named].map(([, status]) => status));
    const told = rowsUnder(ERRORS, "HTTP statuses that we answer").map((row) => row.get("status")).join(" ");
    expect([...statuses].filter((status) => !told.includes(status ?? ""))).toEqual([]);
    expect(statuses.size).toBeGreaterThan(8);
  });

  it("has every close code that a source names in the tables", () => {
    const codes = new Set(code.match(/\b10[01]\d\b/g));
    const told = rowsUnder(ERRORS, "Close codes that we send").map((row) => row.get("code")).join(" ");
    const ready = read("docs/api.md").match(/`[A-Z_]+` 10[01]\d/g)?.join(" ");
    // Those never travel; this is the end of the range that may; this one is only heard, by a client that reconnects.
    const others = ["1005", "1006", "1014", "1012"];
    expect([...codes].filter((closeCode) => !`${told} ${ready} ${others}`.includes(closeCode))).toEqual([]);
  });
});

describe("the errors", () => {
  const code = withoutComments(read("src/errors.ts"));
  const rows = rowsUnder(ERRORS, "Error classes");

  it("are all in the table with their codes, and nothing else is", () => {
    const classes = [...code.matchAll(/^export class (\w+)[\s\S]*?^\}/gm)].map(([text, name]) => {
      return `${name} ${text.match(/readonly code\b[^;]*= "(\w+)"/)?.[1]}`;
    });
    expect(rows.map((row) => `${codeIn(row.get("class"))} ${codeIn(row.get("code"))}`).sort()).toEqual(classes.sort());
    expect(rows.map((row) => codeIn(row.get("class")) ?? "").filter((name) => !(name in everything))).toEqual([]);
  });

  it("have every code, and no other", () => {
    const union = code.match(/export type ErrorCode =([^;]*);/)?.[1] ?? "";
    const codes: ErrorCode[] = [...union.matchAll(/"(\w+)"/g)].map(([, name]) => name as ErrorCode);
    expect([...new Set(ERRORS.match(/\bERR_\w+/g))].sort()).toEqual(codes.sort());
  });

  it("have the fields that are said", () => {
    for (const row of rows) {
      const name = codeIn(row.get("class")) ?? "";
      const body = code.match(new RegExp(`^export class ${name} [\\s\\S]*?^\\}`, "m"))?.[0] ?? "";
      const fields = [...body.matchAll(/^ {2}(?:override )?readonly (\w+)|^ {2}(\w+)\(.*\{$/gm)]
        .map(([, field, method]) => field ?? `${method}()`)
        .filter((field) => !["name", "code", "constructor()"].includes(field));
      expect([...(row.get("fields") ?? "").matchAll(/`([^`]*)`/g)].map(([, field]) => field).sort(), name)
        .toEqual(fields.sort());
    }
  });
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The strings of the list `name` in `code`. */
function list(code: string, name: string): string[] {
  return [...textOf(code, name).matchAll(/"(\w+)"/g)].map(([, item = ""]) => item);
}

/** What stands between the brackets of the list `name`. */
function textOf(code: string, name: string): string {
  return code.match(new RegExp(`const ${name}\\b[^=]*= \\[([^\\]]*)\\]`))?.[1] ?? "";
}

/** What is inside the option `name` in `code`, each with its dot; for one that holds no others, nothing but itself. */
function membersOf(code: string, name: string): string[] {
  const variable = code.match(new RegExp(`const (\\w+) = checkObject\\(given, "${name}"\\)`))?.[1];
  if (variable === undefined) return [""];
  const [, items, constant = ""] = code.match(new RegExp(`checkNames\\(${variable}, (?:\\[([^\\]]*)\\]|(\\w+))`)) ?? [];
  const members = items === undefined ? list(code, constant) : items.split(",").map((item) => JSON.parse(item));
  return members.map((member) => `.${member}`);
}

function defaultOf(row: Row): unknown {
  const text = codeIn(row.get("default"));
  return text === undefined ? undefined : JSON.parse(/^[\d -]+$/.test(text) ? text.replaceAll(" ", "") : text);
}

function numberIn(cell: string | undefined): number | undefined {
  const text = codeIn(cell);
  return text === undefined ? undefined : Number(text.replaceAll(" ", ""));
}

/** Whether `text` has `value` as a whole, whatever quotes it and however its minus is written. */
function hasWord(text: string, value: string): boolean {
  const escaped = value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\w-]|\\d )${escaped}(?![\\w]| \\d)`).test(text.replaceAll("`", "").replaceAll("−", "-"));
}

/** Options with `value` at the row's place. */
function given(row: Row, value: unknown): Given {
  return (codeIn(row.get("option")) ?? "").split(".").reduceRight<unknown>(
    (inner, key) => ({ [key]: inner }),
    value,
  ) as Given;
}

/** What JSON would lose. */
function plain(value: unknown): unknown {
  return typeof value === "function" ? "a function" : value === Infinity ? "for ever" : value;
}
