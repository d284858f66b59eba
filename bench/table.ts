/** Turns runs into the table: medians, their spread, and ratios that were taken round by round. */

import type { Load } from "./load.ts";
import { BASELINES, type Peer, type Row } from "./rows.ts";

/** The runs of one peer in one row, one for each round. */
export interface Runs {
  readonly peer: Peer;
  readonly loads: readonly Load[];
}

const COLUMNS = ["", "per s", "per CPU s", "spread", "busy", ...BASELINES.map((name) => `÷ ${name}`), "p99 µs"];
const WIDTHS = [17, 11, 11, 7, 6, ...BASELINES.map(() => 18), 9];

/** The head of the table. */
export function head(): string {
  return line(COLUMNS) + "\n" + WIDTHS.map((width) => "─".repeat(width)).join("──");
}

/** One row of work: its title, and a line for each peer. */
export function block(row: Row, all: readonly Runs[]): string {
  return [`${row.name}: ${row.title}`, ...all.map((runs) => peerLine(row, runs, all))].join("\n");
}

function peerLine(row: Row, { peer, loads }: Runs, all: readonly Runs[]): string {
  const figures = loads.map((load) => figureOf(row, load));
  const middle = median(figures);
  const spread = (Math.max(...figures) - Math.min(...figures)) / 2 / middle;
  const errors = loads.reduce((sum, load) => sum + load.errors, 0);
  const idle = row.job === "idle";
  return line([
    `  ${peer.name}`,
    idle ? "" : count(median(loads.map((load) => load.msgs_per_s ?? load.handshakes_per_s ?? 0))),
    count(middle),
    loads.length > 1 ? `±${Math.round(spread * 100)} %` : "",
    idle ? "" : `${Math.round(median(loads.map((load) => load.server_cpu_s / load.seconds)) * 100)} %`,
    ...BASELINES.map((name) => ratio(row, peer, figures, all.find((runs) => runs.peer.name === name))),
    loads.some((load) => load.p99_us) ? median(loads.map((load) => load.p99_us ?? 0)).toFixed(0) : "",
  ]) + (errors > 0 ? `  ${errors} ERRORS` : "");
}

function ratio(row: Row, peer: Peer, figures: readonly number[], baseline: Runs | undefined): string {
  if (baseline === undefined || baseline.peer === peer) return "";
  const against = baseline.loads.map((load) => figureOf(row, load));
  const value = median(figures.map((figure, round) => figure / against[round]!));
  const aim = row.aims?.[peer.name]?.[baseline.peer.name];
  return aim === undefined ? value.toFixed(2) : `${value.toFixed(2)} ${value >= aim ? "✓" : "✗"} (≥ ${aim})`;
}

/** What rows are compared by. */
function figureOf(row: Row, load: Load): number {
  if (row.job === "idle") return load.bytes_per_connection ?? NaN;
  return (row.job === "handshake" ? load.handshakes_per_cpu_s : load.msgs_per_cpu_s) ?? NaN;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en").replaceAll(",", " ");
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => i === 0 ? cell.padEnd(WIDTHS[i]!) : cell.padStart(WIDTHS[i]!)).join("  ").trimEnd();
}
