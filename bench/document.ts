/** Writes what was measured as Markdown: for each runtime the tables of its parts, above them the aims that were missed. */

import { aligned } from "../scripts/markdown_table.ts";
import {
  busyShare,
  countText,
  growthOf,
  type Judged,
  middleFigure,
  ratioText,
  ratioTo,
  reaches,
  type Runs,
  sizeOf,
  spreadOf,
  tell,
} from "./figures.ts";
import type { Measured } from "./kept.ts";
import { BASELINES, isOurs, type RuntimeName, RUNTIMES } from "./peers.ts";
import { loadOption, type Part, type PartName, PARTS, type Row, ROWS } from "./rows.ts";

/** What a reader has to know to judge the figures. */
export interface Circumstances {
  /** The line that was typed. */
  readonly command: string;
  readonly machine: string;
  readonly runtimes: Readonly<Record<RuntimeName, string>>;
  /** "`ws` 8.23.0" … */
  readonly packages: readonly string[];
  readonly seconds: string;
  readonly warm: string;
  readonly rounds: number;
  /** Where the chart is, seen from the document. */
  readonly chart: string;
}

/** A row of the tables, and what was measured of it. */
interface Entry {
  readonly row: Row;
  readonly runs: readonly Runs[];
}

const BEGIN = "<!-- What follows is written by the command in its first line. -->";
const END = "<!-- What is written by the command ends here. -->";

/** Puts `block` where the last one was. */
export function withBlock(document: string, block: string): string {
  const begin = document.indexOf(BEGIN), end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error("Cannot write the document: its two marks are not there");
  return `${document.slice(0, begin + BEGIN.length)}\n\n${block}\n\n${document.slice(end)}`;
}

/** All that is written between the marks. */
export function blockOf(all: readonly Measured[], circumstances: Circumstances): string {
  return [
    introduction(all, circumstances),
    ...missedAims(all, circumstances),
    ...RUNTIMES.flatMap((runtime) => sections(all.filter((one) => one.runtime === runtime), circumstances, runtime)),
  ].join("\n\n");
}

function introduction(all: readonly Measured[], about: Circumstances): string {
  const { command, machine, runtimes, packages, seconds, warm, rounds, chart } = about;
  const days = [...new Set(all.map(({ at }) => at.slice(0, 10)))].sort();
  const versions = [...RUNTIMES.map((runtime) => runtimes[runtime]), ...packages].join(", ");
  const took = rounds === 1 ? "one round" : `the median of ${rounds} rounds`;
  return [
    `Measured with \`${command}\` on ${[...new Set([days[0], days.at(-1)])].join(" to ")}: ${machine}; ${versions}.`,
    `A figure is ${took} of ${seconds} s, each in a fresh process after ${warm} s of warm-up, both longer where little is done`,
    "in that time; behind it, after ±, half the distance between the best and the worst round against the median. A ratio is",
    "the median of those of the rounds; ✓ and ✗ say whether it reaches the aim in brackets.",
    "",
    `![How many times as much work each does as ws in a second of CPU time, memory, and growth](${chart})`,
  ].join("\n");
}

/** The list of what is not reached, which is the first thing to look at. */
function missedAims(all: readonly Measured[], { runtimes }: Circumstances): string[] {
  const judged = all.flatMap(({ runtime, row: name, runs }) => {
    const row = rowNamed(name);
    return aimsOf({ row, runs }).map(({ what, figure, show }) =>
      [
        runtimes[runtime],
        `${PARTS[row.part].title}: ${row.title}`,
        what,
        tell(figure, show),
        reaches(figure),
      ] as const
    );
  });
  const missed = judged.filter(([, , , , reached]) => !reached).map((cells) => cells.slice(0, 4) as string[]);
  const count = `${judged.length - missed.length} of ${judged.length} aims are reached.`;
  if (missed.length === 0) return ["### Aims", count];
  return ["### Aims", `${count} Those that are not:`, aligned([["runtime", "work", "of", "figure"], ...missed])];
}

interface Aim {
  readonly what: string;
  readonly figure: Judged;
  readonly show: (value: number) => string;
}

function aimsOf({ row, runs: all }: Entry): Aim[] {
  return all.flatMap((runs): Aim[] => {
    const name = `\`${runs.peer.name}\``;
    const growth = growthOf(row, runs, all), size = sizeOf(row, runs);
    return [
      ...BASELINES.flatMap((baseline) => {
        const figure = ratioTo(row, runs, baseline, all);
        return figure === undefined ? [] : [{ what: `${name} ÷ \`${baseline}\``, figure, show: ratioText }];
      }),
      ...(growth === undefined ? [] : [{ what: `${name}, cost of a message`, figure: growth, show: ratioText }]),
      { what: name, figure: size, show: countText },
    ].filter(({ figure }) => figure.aim !== undefined);
  });
}

function sections(all: readonly Measured[], { runtimes }: Circumstances, runtime: RuntimeName): string[] {
  if (all.length === 0) return [];
  const entries = all.map(({ row, runs }) => ({ row: rowNamed(row), runs }));
  const parts = (Object.keys(PARTS) as PartName[]).flatMap((name) => {
    const those = entries.filter(({ row }) => row.part === name);
    return those.length === 0 ? [] : partSection(PARTS[name], those);
  });
  return [`### ${runtimes[runtime]}`, ...parts, ...floodNote(entries)];
}

function partSection(part: Part, entries: readonly Entry[]): string[] {
  const unit = `${part.unit[0]!.toUpperCase()}${part.unit.slice(1)}`;
  const stepped = entries.filter(({ row }) => row.steps !== undefined);
  const plain = entries.filter(({ row }) => row.steps === undefined);
  return [
    `#### ${part.title}`,
    ...(plain.length === 0 ? [] : [`${unit}:`, figureTable(plain), ...ratioTable(part, plain), ...sizeTable(plain)]),
    ...stepped.flatMap((entry) => [`${unit}, ${entry.row.title}:`, ...stepTables(entry)]),
  ];
}

/** Rows down, peers across. */
function figureTable(entries: readonly Entry[]): string {
  const peers = peerNames(entries);
  return aligned([
    ["", ...peers.map(code)],
    ...entries.map(({ row, runs }) => [row.title, ...peers.map((name) => figureCell(row, find(runs, name)))]),
  ]);
}

function figureCell(row: Row, runs: Runs | undefined): string {
  if (runs === undefined) return "";
  const spread = spreadOf(row, runs);
  const around = spread === undefined ? "" : ` ± ${Math.round(spread * 100)} %`;
  return tell(sizeOf(row, runs), (value) => countText(value) + around);
}

/** Rows down, pairs of ours and a baseline across; none where no baseline took part. */
function ratioTable(part: Part, entries: readonly Entry[]): string[] {
  const pairs = pairsOf(entries);
  if (pairs.length === 0) return [];
  const cell = ({ row, runs }: Entry, [ours, baseline]: Pair): string => {
    const above = find(runs, ours);
    const ratio = above === undefined ? undefined : ratioTo(row, above, baseline, runs);
    return ratio === undefined ? "" : tell(ratio);
  };
  return [
    part.memory ? "Ratios, less is better:" : "Ratios:",
    aligned([
      ["", ...pairs.map(([ours, baseline]) => `${code(ours)} ÷ ${code(baseline)}`)],
      ...entries.map((entry) => [entry.row.title, ...pairs.map((pair) => cell(entry, pair))]),
    ]),
  ];
}

type Pair = readonly [ours: string, baseline: string];

/**
 * The ratios worth a column: the first of ours with every baseline, the others with `ws`, those on native hosts with the
 * runtime alone, and whatever has an aim.
 */
function pairsOf(entries: readonly Entry[]): Pair[] {
  const peers = peerNames(entries);
  const ours = peers.filter((name) => isOurs({ name }));
  const baselines = BASELINES.filter((name) => peers.includes(name));
  return ours.flatMap((name, i) =>
    baselines.filter((baseline) =>
      entries.some(({ row }) => row.aims?.[name]?.[baseline] !== undefined) ||
      (name.startsWith("native-") ? baseline.startsWith("raw-") : i === 0 || /^(client-)?ws$/.test(baseline))
    ).map((baseline) => [name, baseline] as const)
  );
}

/** The same in bytes, for a part that has messages of more than three sizes. */
function sizeTable(entries: readonly Entry[]): string[] {
  const sized = entries.flatMap((entry) => {
    const size = loadOption(entry.row, "-s");
    // Of those with messages of one size the first: binary, and in flight as many as that size bears.
    const first = entries.find(({ row }) => loadOption(row, "-s") === size);
    return size === undefined || first !== entry ? [] : [{ entry, size }];
  });
  if (sized.length <= 3) return [];
  const peers = peerNames(entries);
  const cell = ({ row, runs }: Entry, name: string, size: number): string => {
    const found = find(runs, name);
    return found === undefined ? "" : ratioText(middleFigure(row, found) * size / 1e6);
  };
  return [
    "Growth with the size of a message, in MB of payload each way per second of server CPU:",
    aligned([
      ["", ...peers.map(code)],
      ...sized.map(({ entry, size }) => [entry.row.title, ...peers.map((name) => cell(entry, name, size))]),
    ]),
  ];
}

/** Steps down, peers across: the figures, and what a message costs against the first step. */
function stepTables({ row, runs: all }: Entry): string[] {
  const peers = peerNames([{ row, runs: all }]);
  const table = (steps: Row["steps"], cell: (runs: Runs | undefined) => string): string =>
    aligned([
      ["", ...peers.map(code)],
      ...steps!.map((step) => [
        countText(Number(step.name)),
        ...peers.map((name) => cell(all.find((runs) => runs.peer.name === name && runs.step?.name === step.name))),
      ]),
    ]);
  return [
    table(row.steps, (runs) => figureCell(row, runs)),
    `How many times as much a message costs as with ${row.steps![0]!.name}:`,
    table(row.steps!.slice(1), (runs) => {
      const growth = runs === undefined ? undefined : growthOf(row, runs, all);
      return growth === undefined ? "" : tell(growth);
    }),
  ];
}

/** That a client was measured and not the server that flooded it. */
function floodNote(entries: readonly Entry[]): string[] {
  const floods = entries.filter(({ row }) => row.job === "flood").flatMap(({ runs }) => runs);
  if (floods.length === 0) return [];
  const most = Math.max(...floods.flatMap(({ loads }) => loads.map((load) => load.load_share ?? 0)));
  const least = Math.min(...floods.map(busyShare));
  return [
    `The server that floods the clients ran at most ${percent(most)} of the time; the clients ran at least ${
      percent(least)
    }.`,
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function peerNames(entries: readonly Entry[]): string[] {
  return [...new Set(entries.flatMap(({ runs }) => runs.map(({ peer }) => peer.name)))];
}

function find(runs: readonly Runs[], name: string): Runs | undefined {
  return runs.find(({ peer }) => peer.name === name);
}

function rowNamed(name: string): Row {
  const row = ROWS.find((row) => row.name === name);
  if (row === undefined) throw new Error(`Cannot write the document: there is no row "${name}"`);
  return row;
}

function code(name: string): string {
  return `\`${name}\``;
}
