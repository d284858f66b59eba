/** Turns runs into the table: medians, their spread, and ratios that were taken round by round. */

import type { Load } from "./load.ts";
import { BASELINES, type Peer, type Row } from "./rows.ts";

/** The runs of one peer in one row, one for each round. */
export interface Runs {
  readonly peer: Peer;
  readonly loads: readonly Load[];
}

type Baseline = (typeof BASELINES)[number];

/** The table of one runtime, with a column for each baseline that takes part. */
export class Table {
  readonly #baselines: readonly Baseline[];
  readonly #widths: readonly number[];

  constructor(peers: readonly Peer[]) {
    this.#baselines = BASELINES.filter((name) => peers.some((peer) => peer.name === name));
    this.#widths = [17, 11, 11, 7, 6, ...this.#baselines.map(() => 15), 9];
  }

  head(): string {
    const names = ["", "per s", "per CPU s", "spread", "busy", ...this.#baselines.map((name) => `÷ ${name}`), "p99 µs"];
    return this.#line(names) + "\n" + this.#widths.map((width) => "─".repeat(width)).join("──");
  }

  /** One row of work: its title, and a line for each peer. */
  block(row: Row, all: readonly Runs[]): string {
    return [`${row.name}: ${row.title}`, ...all.map((runs) => this.#peerLine(row, runs, all))].join("\n");
  }

  #peerLine(row: Row, { peer, loads }: Runs, all: readonly Runs[]): string {
    const figures = loads.map((load) => figureOf(row, load));
    const middle = median(figures);
    const spread = (Math.max(...figures) - Math.min(...figures)) / 2 / middle;
    const errors = loads.reduce((sum, load) => sum + load.errors, 0);
    return this.#line([
      `  ${peer.name}`,
      row.memory ? "" : count(median(loads.map((load) => load.msgs_per_s ?? load.handshakes_per_s ?? 0))),
      count(middle),
      loads.length > 1 ? `±${Math.round(spread * 100)} %` : "",
      row.memory ? "" : `${Math.round(median(loads.map((load) => load.server_cpu_s / load.seconds)) * 100)} %`,
      ...this.#baselines.map((name) => ratio(row, peer, figures, all.find((runs) => runs.peer.name === name))),
      loads.some((load) => load.p99_us) ? median(loads.map((load) => load.p99_us ?? 0)).toFixed(0) : "",
    ]) + (errors > 0 ? `  ${errors} ERRORS` : "");
  }

  #line(cells: readonly string[]): string {
    const padded = cells.map((cell, i) => i === 0 ? cell.padEnd(this.#widths[i]!) : cell.padStart(this.#widths[i]!));
    return padded.join("  ").trimEnd();
  }
}

function ratio(row: Row, peer: Peer, figures: readonly number[], baseline: Runs | undefined): string {
  if (baseline === undefined || baseline.peer === peer) return "";
  const against = baseline.loads.map((load) => figureOf(row, load));
  const value = median(figures.map((figure, round) => figure / against[round]!));
  if (!Number.isFinite(value)) return "?";
  const aim = row.aims?.[peer.name]?.[baseline.peer.name];
  return aim === undefined ? value.toFixed(2) : `${value.toFixed(2)} ${value >= aim ? "✓" : "✗"} (≥ ${aim})`;
}

/** What rows are compared by. */
function figureOf(row: Row, load: Load): number {
  if (row.memory) return load.bytes_per_connection ?? load.server_grown / load.opened;
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
