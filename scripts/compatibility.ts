/**
 * The compatibility table: what the behaviours suite found on each host, from vitest's reports. docs/compatibility.md
 * shows it, and `npm test` compares the two. Runs nothing.
 */

import { type Fact, FACTS, type Host, HOSTS } from "../tests/support/facts.ts";
import { aligned } from "./markdown_table.ts";

/** What is read of vitest's JSON report. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly TestResult[];
  }[];
}

export interface TestResult {
  readonly fullName: string;
  readonly title: string;
  readonly status: string;
  /** `hawser`: what a test of tests/behaviours/ noted of its host. */
  readonly meta?: { readonly hawser?: { readonly refused: boolean; readonly facts: readonly string[] } };
}

/** The reports of all hosts. */
export type Reports = Readonly<Record<Host, Report>>;

/** What the rows are about. A test begins with the id of its row. */
const ROWS: Readonly<Record<string, string>> = {
  L1: "listens on a port, or on a server that exists",
  L2: "the listener's options",
  L3: "paths and their parameters",
  L4: "`detach`",
  L5: "`start`",
  L6: "`gracefulStop` and `immediateStop`",
  L7: "refusing what is no valid handshake",
  L8: "ordinary HTTP on the same port",
  U1: "`get`: the request and its context",
  U2: "refusing an upgrade",
  U3: "parameters with a schema",
  U4: "sub-protocols",
  U5: "`idleTimeout`",
  U6: "`maxMessageSize` and `maxFrameSize`",
  U7: "`connectionClosureTimeout`",
  U8: "origins",
  U9: "the verified identity",
  U10: "`validation`",
  S1: "services, shared or one for each connection",
  S2: "the order of handlers",
  S3: "pings and closes while a handler is busy",
  S4: "what a handler returns is sent",
  S5: "pings and closes during a stream",
  S6: "a stream that fails",
  S7: "failures of handlers and of the protocol",
  S8: "handlers that are missing",
  S9: "`onClose`, exactly once",
  S10: "`Caller`",
  S11: "one slow peer holds up no other",
  S12: "`broadcast`",
  D1: "handlers by a field of the message",
  D2: "an explicit mapping to handlers",
  D3: "names that reach no handler",
  D4: "messages without a handler of their own",
  D5: "streams of requests",
  B1: "`bind`",
  B2: "ready binders",
  B3: "binding errors",
  P1: "pings and pongs",
  P2: "keep-alive",
  P3: "`close`",
  P4: "close frames as values",
  P5: "reads and writes after the end",
  C1: "`Client.connect`",
  C2: "the iterator of a client",
  C3: "`readable` and `writable`",
  C4: "read and write methods",
  C5: "pings and closes while nobody reads",
  C6: "the client's options",
  C7: "`readTimeout` and `writeTimeout`",
  C8: "a refused handshake, and redirects",
  C9: "reconnecting",
  C10: "cookies",
  C11: "what a client knows of its connection",
  C12: "proxies",
  C13: "on a global `WebSocket`",
  T1: "TLS on the listener",
  T2: "TLS on the client",
  T3: "TLS failures",
  A1: "authentication",
  A2: "credentials and challenges",
  A3: "the end of a token",
  A4: "the client's credentials",
  A5: "authentication against real servers",
  Z1: "permessage-deflate",
  Z2: "the memory of compression",
  Z3: "the size of what is inflated",
  F1: "the pace of reading",
  F2: "the pace of writing",
  F3: "messages larger than memory",
  F4: "nothing is lost or reordered",
  H1: "hostile input",
  H2: "limits",
  H4: "nothing left of connections that are gone",
  R1: "the same suite on every host",
  R2: "routers for servers that exist",
};

/**
 * The table, and the numbered notes under it, as Markdown.
 *
 * @throws {Error} for a row that has no name here, and for a fact that is not in the list
 */
export function tableOf(reports: Reports): string {
  const results = new Map(HOSTS.map((host) => [host, resultsByRow(reports[host])]));
  const rows = [...new Set(HOSTS.flatMap((host) => [...results.get(host)!.keys()]))].sort(byRow);
  const notes = shownFacts(reports);

  const cells = rows.map((row) => [
    `${row}: ${nameOf(row)}`,
    ...HOSTS.map((host) => cellOf(results.get(host)!.get(row) ?? [], notes)),
  ]);
  const numbered = notes.map((fact, i) => `${i + 1}. ${FACTS[fact]}`);
  return `${aligned([["", ...HOSTS.map(capitalised)], ...cells])}\n\n${numbered.join("\n")}`;
}

/** The facts that no test has shown. */
export function unshownFacts(reports: Reports): Fact[] {
  const shown = shownFacts(reports);
  return factNames().filter((fact) => !shown.includes(fact));
}

const BEGIN = "<!-- The table, as `npm run compatibility` writes it -->";
const END = "<!-- The end of the table -->";

/**
 * `document` with `table` between its two marks.
 *
 * @throws {Error} when it has no marks
 */
export function withTable(document: string, table: string): string {
  const [start, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (start === -1 || end < start) throw new Error("The document has no place for the table");
  return `${document.slice(0, start)}${BEGIN}\n\n${table}\n\n${document.slice(end)}`;
}

/** Whether `document` shows `table`, however its lines are broken and its columns are padded. */
export function shows(document: string, table: string): boolean {
  return words(document) === words(withTable(document, table));
}

function words(text: string): string {
  return text.replace(/-{3,}/g, "---").replace(/\s+/g, " ").trim();
}

/** The tests of tests/behaviours/, by the id that their titles begin with, or else what is around them. */
function resultsByRow({ testResults }: Report): Map<string, TestResult[]> {
  const rows = new Map<string, TestResult[]>();
  for (const { name, assertionResults } of testResults) {
    if (!/[\\/]tests[\\/]behaviours[\\/]/.test(name)) continue;
    for (const test of assertionResults) {
      const [, row] = /^([A-Z]\d+): /.exec(test.title) ?? /(?:^| )([A-Z]\d+): /.exec(test.fullName) ?? [];
      if (row === undefined) throw new Error(`The test "${test.fullName}" has no id of a row`);
      const tests = rows.get(row);
      if (tests === undefined) rows.set(row, [test]);
      else tests.push(test);
    }
  }
  return rows;
}

function cellOf(tests: readonly TestResult[], notes: readonly Fact[]): string {
  if (tests.length === 0) return "–";
  if (tests.some(({ status }) => status !== "passed")) return "failed";
  const facts = new Set(tests.flatMap(({ meta }) => meta?.hawser?.facts ?? []));
  const numbers = notes.flatMap((fact, i) => facts.has(fact) ? [i + 1] : []).join(", ");
  if (tests.every(({ meta }) => meta?.hawser?.refused === true)) return `no: ${numbers}`;
  return numbers === "" ? "yes" : `yes, but: ${numbers}`;
}

/** The facts that a test has shown, in the order of the list. */
function shownFacts(reports: Reports): Fact[] {
  const shown = new Set<string>();
  for (const host of HOSTS) {
    for (const tests of resultsByRow(reports[host]).values()) {
      for (const { meta } of tests) meta?.hawser?.facts.forEach((fact) => shown.add(fact));
    }
  }
  const unknown = [...shown].filter((fact) => !(fact in FACTS));
  if (unknown.length > 0) throw new Error(`There is no fact "${unknown[0]}"`);
  return factNames().filter((fact) => shown.has(fact));
}

function factNames(): Fact[] {
  return Object.keys(FACTS) as Fact[];
}

/** The order of the acceptance table. */
function byRow(a: string, b: string): number {
  const rows = Object.keys(ROWS);
  return rows.indexOf(a) - rows.indexOf(b);
}

function nameOf(row: string): string {
  const name = ROWS[row];
  if (name === undefined) throw new Error(`The row ${row} has no name`);
  return name;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
