/**
 * Draws what was measured as one SVG, a column for each runtime: throughput against `ws`, memory, and growth with the size
 * of messages and the number of connections. Text and numbers come in, text goes out.
 */

import { countText, figureOf, growthOf, median, middleFigure, type Runs } from "./figures.ts";
import type { Measured } from "./kept.ts";
import { type RuntimeName, RUNTIMES } from "./peers.ts";
import { loadOption, PARTS, type Row, ROWS } from "./rows.ts";
import { el, type Frame, linearAxis, logAxis, type Scale, text } from "./svg.ts";

/** Peers that are drawn alike, because they answer the same question. */
interface Series {
  readonly label: string;
  /** The class of its colour, and its mark. */
  readonly style: string;
  readonly mark: "disc" | "ring" | "diamond" | "square";
  readonly peers: readonly string[];
}

const SERIES: readonly Series[] = [
  { label: "hawser: Service; client readMessage", style: "a", mark: "disc", peers: ["hawser-service", "client-read"] },
  { label: "hawser: for await", style: "a", mark: "ring", peers: ["hawser-iterator", "client-iterator"] },
  { label: "hawser on the native host", style: "b", mark: "diamond", peers: ["native-service"] },
  { label: "ws", style: "w", mark: "disc", peers: ["ws", "client-ws"] },
  {
    label: "the runtime's own WebSocket",
    style: "c",
    mark: "square",
    peers: ["raw-deno", "raw-bun", "client-runtime"],
  },
  { label: "undici", style: "c", mark: "diamond", peers: ["client-undici"] },
  { label: "net: a bare socket, parses nothing", style: "d", mark: "square", peers: ["net"] },
];

const WIDTH = 1_000;
const LEFT = 112;
const COLUMN = 286;
const GAP = 10;
const LINE = 17;
/** From the labels below one band to the frames of the next: its title and the runtimes' names. */
const BETWEEN = 52;

const STYLE = `
  text { font: 11px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; } .head { font-size: 12px; font-weight: 600; } .small { font-size: 10px; fill: #59636e; }
  .back { fill: #ffffff; } .grid { stroke: #d1d9e0; } .one { stroke: #59636e; } .frame { stroke: #d1d9e0; fill: none; }
  .a { --ink: #0969da; } .b { --ink: #1a7f37; } .w { --ink: #cf222e; } .c { --ink: #9a6700; } .d { --ink: #6e7781; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .small { fill: #9198a1; } .back { fill: #0d1117; } .grid, .frame { stroke: #3d444d; } .one { stroke: #9198a1; }
    .a { --ink: #4493f8; } .b { --ink: #3fb950; } .w { --ink: #f85149; } .c { --ink: #d29922; } .d { --ink: #9198a1; }
  }
  .fill { fill: var(--ink); } .line { stroke: var(--ink); fill: none; stroke-width: 1.5; } .hollow { fill: none; stroke: var(--ink); stroke-width: 1.5; }`;

/** The whole picture. `runtimes`: how each is headed. */
export function chartOf(all: readonly Measured[], runtimes: Readonly<Record<RuntimeName, string>>): string {
  const bands = [throughput, memory, sizes, connections];
  const parts: string[] = [];
  const legend = legendAt(16, 46);
  let y = 98;
  for (const band of bands) {
    const columns = RUNTIMES.map((runtime, i) => ({
      frame: { x: LEFT + i * (COLUMN + GAP), y, width: COLUMN },
      heading: runtimes[runtime],
      entries: all.filter((one) => one.runtime === runtime),
    }));
    const { svg, height } = band(columns);
    parts.push(svg);
    y += height + BETWEEN;
  }
  y -= BETWEEN - 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-labelledby="t">
<title id="t">hawser, ws and the runtimes: work per second of CPU time, memory, growth</title>
<style>${STYLE}
</style>
${el("rect", { class: "back", width: WIDTH, height: y })}
${
    text(
      16,
      24,
      "Work in a second of CPU time, memory, and growth, each against the same peers in the same run",
      "title",
    )
  }
${legend}
${parts.join("\n")}
</svg>
`;
}

interface Column {
  readonly frame: Omit<Frame, "height">;
  readonly heading: string;
  readonly entries: readonly Measured[];
}

interface Band {
  readonly svg: string;
  readonly height: number;
}

/** Dots on a log axis: how many times as much as `ws`, with a whisker from the worst to the best round. */
function throughput(columns: readonly Column[]): Band {
  const rows = ROWS.filter((row) =>
    !row.onRequest && !row.steps && !PARTS[row.part].memory && columns.some(({ entries }) => runsOf(entries, row))
  );
  const height = rows.length * LINE + 8;
  const ratios = columns.flatMap(({ entries }) =>
    rows.flatMap((row) => timesWs(row, runsOf(entries, row) ?? []).flatMap(({ ratios }) => ratios))
  );
  const least = Math.min(0.5, ...ratios) / 1.3, most = Math.max(2, ...ratios) * 1.3;
  const title = "Throughput: times as much per second of CPU time as ws (log axis; line: worst to best round)";
  const svg = columns.map(({ frame, heading, entries }, column) => {
    const whole: Frame = { ...frame, height };
    const scale = logAxis(least, most, whole.x, whole.x + whole.width);
    const axis = scale.svg(whole, scale.ticks.map((value) => [value, `${value}×`]), 1);
    const lines = rows.map((row, i) => {
      const y = whole.y + 4 + (i + 0.5) * LINE;
      const label = column === 0 ? text(LEFT - 8, y + 4, row.name, "small", "end") : "";
      return label + dotsOf(row, runsOf(entries, row) ?? [], scale, y);
    });
    return headingOf(whole, heading) + axis + lines.join("");
  });
  return { svg: text(16, columns[0]!.frame.y - 22, title, "head") + svg.join("\n"), height: height + 18 };
}

function dotsOf(row: Row, all: readonly Runs[], scale: Scale, y: number): string {
  return timesWs(row, all).map(({ series, ratios }) => {
    const [x1, x2] = [scale.at(Math.min(...ratios)), scale.at(Math.max(...ratios))];
    const whisker = el("line", { class: `${series.style} line`, x1, x2, y1: y, y2: y });
    return whisker + markOf(series, scale.at(median(ratios)), y);
  }).join("");
}

/** What each that is drawn did, over what `ws` did in the same round. */
function timesWs(row: Row, all: readonly Runs[]): { series: Series; ratios: number[] }[] {
  const against = all.find(({ peer }) => /^(client-)?ws$/.test(peer.name));
  if (against === undefined) return [];
  return drawn(SERIES, all).map(({ series, runs }) => ({
    series,
    ratios: runs.loads
      .map((load, round) => figureOf(row, load) / figureOf(row, against.loads[round]!))
      .filter((ratio) => Number.isFinite(ratio) && ratio > 0),
  })).filter(({ ratios }) => ratios.length > 0);
}

/** Bars from zero. */
function memory(columns: readonly Column[]): Band {
  const rows = ROWS.filter((row) => PARTS[row.part].memory && columns.some(({ entries }) => runsOf(entries, row)));
  const shown = SERIES.filter(({ peers }) =>
    !peers.every((name) => name.startsWith("client-") || name === "hawser-iterator")
  );
  const bar = 9, group = shown.length * bar + 8, height = rows.length * group + 4;
  const most = Math.max(
    1,
    ...columns.flatMap(({ entries }) =>
      rows.flatMap((row) => drawn(shown, runsOf(entries, row)).map(({ runs }) => middleFigure(row, runs) / 1024))
    ),
  );
  const svg = columns.map(({ frame, heading, entries }, column) => {
    const whole: Frame = { ...frame, height };
    const scale = linearAxis(most * 1.15, whole.x, whole.x + whole.width);
    const bars = rows.map((row, i) => {
      const top = whole.y + 4 + i * group;
      const label = column === 0 ? text(LEFT - 8, top + group / 2, row.name, "small", "end") : "";
      return label + drawn(shown, runsOf(entries, row)).map(({ series, runs }, k) => {
        const kib = middleFigure(row, runs) / 1024, y = top + k * bar, end = scale.at(Math.max(0, kib));
        const box = { class: `${series.style} fill`, x: whole.x, y, width: end - whole.x, height: bar - 2 };
        return el("rect", box) + text(end + 4, y + 7, kib.toFixed(1), "small");
      }).join("");
    });
    return headingOf(whole, heading) + scale.svg(
      whole,
      scale.ticks.filter((value) => value < most).map((value) => [value, `${value}`]),
    ) +
      bars.join("");
  });
  const title = "Memory: KiB of resident memory for each connection (axis from zero, less is better)";
  return { svg: text(16, columns[0]!.frame.y - 22, title, "head") + svg.join("\n"), height: height + 18 };
}

/** Lines over sizes, both axes logarithmic. */
function sizes(columns: readonly Column[]): Band {
  const seen = new Set<number>();
  const rows = ROWS.filter((row) => row.part === "echo" && !row.onRequest).flatMap((row) => {
    const size = loadOption(row, "-s")!;
    if (seen.has(size)) return [];
    seen.add(size);
    return [{ row, size }];
  });
  const all = columns.flatMap(({ entries }) =>
    rows.flatMap(({ row }) => drawn(SERIES, runsOf(entries, row)).map(({ runs }) => megabytes(row, runs)))
  ).filter((figure) => figure > 0 && Number.isFinite(figure));
  const least = Math.min(1, ...all) / 1.5, most = Math.max(100, ...all) * 1.5;
  const title = "Growth with the size of a message: MB of payload per second of server CPU (both axes log)";
  const svg = columns.map(({ frame, heading, entries }, column) => {
    const whole: Frame = { ...frame, height: 150 };
    const across = logAxis(10, 4e7, whole.x, whole.x + whole.width);
    const up = logAxis(least, most, whole.y + whole.height, whole.y);
    const ticks = [[20, "20 B"], [1_024, "1 KiB"], [16_384, "16 KiB"], [1_048_576, "1 MiB"], [
      16_777_216,
      "16 MiB",
    ]] as const;
    return headingOf(whole, heading) + across.svg(whole, ticks) +
      up.svgUp(whole, up.ticks.map((value) => [value, column === 0 ? countText(value) : ""])) +
      curves(
        rows.map(({ row, size }) => ({ x: across.at(size), row, runs: runsOf(entries, row) ?? [] })),
        (row, runs) => up.at(megabytes(row, runs)),
      );
  });
  return { svg: text(16, columns[0]!.frame.y - 22, title, "head") + svg.join("\n"), height: 168 };
}

function megabytes(row: Row, runs: Runs): number {
  return middleFigure(row, runs) * loadOption(row, "-s")! / 1e6;
}

/** Lines over connections: across logarithmic, up from zero. */
function connections(columns: readonly Column[]): Band {
  const row = ROWS.find((row) => row.steps !== undefined)!;
  const steps = row.steps!, first = steps[0]!.name;
  const runsIn = (entries: readonly Measured[]): readonly Runs[] => runsOf(entries, row) ?? [];
  const cost = (runs: Runs, all: readonly Runs[]): number => growthOf(row, runs, all)?.value ?? 1;
  const costs = columns.flatMap(({ entries }) => runsIn(entries).map((runs) => cost(runs, runsIn(entries))));
  const most = Math.ceil(Math.max(1.5, ...costs.filter(Number.isFinite)));
  const title =
    `Growth with connections: times as much CPU time for a message as with ${first} (across log, up from zero)`;
  const svg = columns.map(({ frame, heading, entries }, column) => {
    const whole: Frame = { ...frame, height: 120 };
    const across = logAxis(Number(first) / 1.5, Number(steps.at(-1)!.name) * 1.5, whole.x, whole.x + whole.width);
    const up = linearAxis(most, whole.y + whole.height, whole.y);
    const all = runsIn(entries);
    return headingOf(whole, heading) +
      across.svg(whole, steps.map(({ name }) => [Number(name), countText(Number(name))])) +
      up.svgUp(whole, up.ticks.map((value) => [value, column === 0 ? `${value}×` : ""])) +
      curves(
        steps.map(({ name }) => ({
          x: across.at(Number(name)),
          row,
          runs: all.filter(({ step }) => step?.name === name),
        })),
        (_row, runs) => up.at(cost(runs, all)),
      );
  });
  return { svg: text(16, columns[0]!.frame.y - 22, title, "head") + svg.join("\n"), height: 138 };
}

/** A line with marks for each series, through the points that were measured. */
function curves(
  points: readonly { readonly x: number; readonly row: Row; readonly runs: readonly Runs[] }[],
  yOf: (row: Row, runs: Runs) => number,
): string {
  return SERIES.map((series) => {
    const dots = points.flatMap(({ x, row, runs }) =>
      drawn([series], runs).map(({ runs }) => ({ x, y: yOf(row, runs) })).filter(({ y }) => Number.isFinite(y))
    );
    const path = dots.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join(" ");
    return dots.length === 0
      ? ""
      : el("path", { class: `${series.style} line`, d: path }) + dots.map(({ x, y }) => markOf(series, x, y)).join("");
  }).join("");
}

function drawn(among: readonly Series[], all: readonly Runs[] = []): { series: Series; runs: Runs }[] {
  return among.flatMap((series) =>
    all.filter(({ peer }) => series.peers.includes(peer.name)).map((runs) => ({ series, runs }))
  );
}

function runsOf(entries: readonly Measured[], row: Row): readonly Runs[] | undefined {
  return entries.find((one) => one.row === row.name)?.runs;
}

function headingOf({ x, y }: Frame, name: string): string {
  return text(x, y - 5, name, "small");
}

function legendAt(x: number, y: number): string {
  let at = x;
  return SERIES.map((series) => {
    const mark = markOf(series, at + 5, y - 4), label = text(at + 14, y, series.label, "small");
    at += 24 + series.label.length * 5.7;
    return mark + label;
  }).join("");
}

function markOf({ style, mark }: Series, x: number, y: number): string {
  if (mark === "square") return el("rect", { class: `${style} fill`, x: x - 3, y: y - 3, width: 6, height: 6 });
  if (mark === "diamond") {
    const corners = [[x, y - 4.5], [x + 4.5, y], [x, y + 4.5], [x - 4.5, y]];
    return el("polygon", {
      class: `${style} fill`,
      points: corners.map((corner) => corner.map(round).join(",")).join(" "),
    });
  }
  return el("circle", {
    class: `${style} ${mark === "ring" ? "hollow" : "fill"}`,
    cx: x,
    cy: y,
    r: mark === "ring" ? 3.2 : 3.8,
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
