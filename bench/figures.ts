/** The arithmetic of the tables: medians, their spread, ratios that were taken round by round, and aims. Runs nothing. */

import type { Load } from "./load.ts";
import type { Peer } from "./peers.ts";
import { PARTS, type Row, type Step } from "./rows.ts";

/** The runs of one peer in one row and step, one for each round. */
export interface Runs {
  readonly peer: Pick<Peer, "name">;
  readonly step?: Step;
  readonly loads: readonly Load[];
}

/** A figure, and the aim it was held to if there is one. */
export interface Judged {
  readonly value: number;
  readonly aim?: number;
  /** At most, where less is better; at least otherwise. */
  readonly most: boolean;
}

/** As it is shown: nothing reads "14 ✗ (≥ 14)". */
export function reaches({ value, aim, most }: Judged): boolean {
  const shown = threeDigits(value);
  return aim === undefined || (most ? shown <= aim : shown >= aim);
}

/** "14.9 ✓ (≥ 14)", without an aim "14.9". */
export function tell(judged: Judged, show: (value: number) => string = ratioText): string {
  if (!Number.isFinite(judged.value)) return "?";
  if (judged.aim === undefined) return show(judged.value);
  return `${show(judged.value)} ${reaches(judged) ? "✓" : "✗"} (${judged.most ? "≤" : "≥"} ${grouped(judged.aim)})`;
}

/** What rows are compared by. */
export function figureOf(row: Row, load: Load): number {
  if (PARTS[row.part].memory) return load.bytes_per_connection ?? load.server_grown / load.opened;
  return (row.job === "handshake" ? load.handshakes_per_cpu_s : load.msgs_per_cpu_s) ?? NaN;
}

export function middleFigure(row: Row, { loads }: Runs): number {
  return median(loads.map((load) => figureOf(row, load)));
}

/** Half the distance between the best and the worst round, against the median. None after a single round. */
export function spreadOf(row: Row, { loads }: Runs): number | undefined {
  if (loads.length < 2) return undefined;
  const figures = loads.map((load) => figureOf(row, load));
  return (Math.max(...figures) - Math.min(...figures)) / 2 / median(figures);
}

/** The figure of a peer over a baseline's. Undefined where that took no part, or is the peer. */
export function ratioTo(row: Row, runs: Runs, baseline: string, all: readonly Runs[]): Judged | undefined {
  const against = all.find(({ peer, step }) => peer.name === baseline && step?.name === runs.step?.name);
  if (against === undefined || against.peer.name === runs.peer.name) return undefined;
  const aim = row.aims?.[runs.peer.name]?.[baseline];
  const value = medianRatio(row, runs, against);
  return { value, most: PARTS[row.part].memory === true, ...(aim === undefined ? {} : { aim }) };
}

/** The figure itself against the most it should be. */
export function sizeOf(row: Row, runs: Runs): Judged {
  const aim = row.atMost?.[runs.peer.name];
  return { value: middleFigure(row, runs), most: true, ...(aim === undefined ? {} : { aim }) };
}

/** How much dearer a message is than in the row's first step. Undefined there, and in rows without steps. */
export function growthOf(row: Row, runs: Runs, all: readonly Runs[]): Judged | undefined {
  const steps = row.steps ?? [];
  const first = all.find(({ peer, step }) => peer.name === runs.peer.name && step?.name === steps[0]?.name);
  if (first === undefined || runs.step === undefined || runs.step.name === first.step?.name) return undefined;
  const aim = runs.step.name === steps.at(-1)?.name ? row.growth?.[runs.peer.name] : undefined;
  return { value: medianRatio(row, first, runs), most: true, ...(aim === undefined ? {} : { aim }) };
}

export function errorsOf({ loads }: Runs): number {
  return loads.reduce((sum, load) => sum + load.errors, 0);
}

/** The share of the time in which the measured process ran. */
export function busyShare({ loads }: Runs): number {
  return median(loads.map((load) => load.server_cpu_s / load.seconds));
}

/** Of numbers in any order. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** To the three digits that mean something, with a space at the thousands. */
export function countText(value: number): string {
  return Number.isFinite(value) ? grouped(Math.round(threeDigits(value))) : "?";
}

export function ratioText(value: number): string {
  return `${threeDigits(value)}`;
}

function grouped(value: number): string {
  return value.toLocaleString("en").replaceAll(",", " ");
}

function threeDigits(value: number): number {
  return Number(value.toPrecision(3));
}

function medianRatio(row: Row, above: Runs, below: Runs): number {
  const against = below.loads.map((load) => figureOf(row, load));
  return median(above.loads.map((load, round) => figureOf(row, load) / against[round]!));
}
