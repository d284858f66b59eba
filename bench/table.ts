/** The tables that a run prints: one for each part, with a line for each peer and a column for each baseline. */

import {
  busyShare,
  countText,
  errorsOf,
  growthOf,
  median,
  middleFigure,
  ratioTo,
  type Runs,
  sizeOf,
  spreadOf,
  tell,
} from "./figures.ts";
import { BASELINES, type Peer } from "./peers.ts";
import { type Part, type PartName, PARTS, type Row } from "./rows.ts";

/** The table of one part on one runtime. */
export class Table {
  readonly #part: Part;
  readonly #baselines: readonly string[];
  readonly #widths: readonly number[];

  constructor(part: PartName, peers: readonly Peer[]) {
    this.#part = PARTS[part];
    this.#baselines = BASELINES.filter((name) => peers.some((peer) => peer.name === name));
    this.#widths = [25, 11, 11, 7, 6, ...this.#baselines.map(() => 16), 9];
  }

  head(): string {
    const ratios = this.#baselines.map((name) => `÷ ${name}`);
    const names = ["", "per s", this.#part.memory ? "bytes" : "per CPU s", "spread", "busy", ...ratios, "p99 µs"];
    const title = `${this.#part.title}: ${this.#part.unit}`;
    return `${title}\n${this.#line(names)}\n${this.#widths.map((width) => "─".repeat(width)).join("──")}`;
  }

  /** One row of work: its title, and a line for each peer, of each step if there are any. */
  block(row: Row, all: readonly Runs[]): string {
    return [`${row.name}: ${row.title}`, ...all.map((runs) => this.#peerLine(row, runs, all))].join("\n");
  }

  #peerLine(row: Row, runs: Runs, all: readonly Runs[]): string {
    const { peer, step, loads } = runs;
    const memory = this.#part.memory === true;
    const spread = spreadOf(row, runs);
    const errors = errorsOf(runs);
    const growth = growthOf(row, runs, all);
    const size = sizeOf(row, runs);
    const line = this.#line([
      `  ${peer.name}${step === undefined ? "" : ` × ${step.name}`}`,
      memory ? "" : countText(median(loads.map((load) => load.msgs_per_s ?? load.handshakes_per_s ?? 0))),
      countText(middleFigure(row, runs)),
      spread === undefined ? "" : `±${Math.round(spread * 100)} %`,
      memory ? "" : `${Math.round(busyShare(runs) * 100)} %`,
      ...this.#baselines.map((name) => {
        const ratio = ratioTo(row, runs, name, all);
        return ratio === undefined ? "" : tell(ratio);
      }),
      loads.some((load) => load.p99_us) ? median(loads.map((load) => load.p99_us ?? 0)).toFixed(0) : "",
    ]);
    const notes = [
      ...(growth === undefined ? [] : [`a message costs ${tell(growth)} × as much as with ${row.steps![0]!.name}`]),
      ...(size.aim === undefined ? [] : [tell(size, countText)]),
      ...(errors > 0 ? [`${errors} ERRORS`] : []),
    ];
    return [line, ...notes].join("  ");
  }

  #line(cells: readonly string[]): string {
    const padded = cells.map((cell, i) => i === 0 ? cell.padEnd(this.#widths[i]!) : cell.padStart(this.#widths[i]!));
    return padded.join("  ").trimEnd();
  }
}
