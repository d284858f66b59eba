/** What `npm run bench` makes of its figures: ratios held to aims, the document, the chart. Nothing is measured here. */

import { describe, expect, it } from "vitest";

import { chartOf } from "../../bench/chart.ts";
import { blockOf, type Circumstances, withBlock } from "../../bench/document.ts";
import { growthOf, ratioTo, type Runs, sizeOf, spreadOf, tell } from "../../bench/figures.ts";
import type { Measured } from "../../bench/kept.ts";
import type { Load } from "../../bench/load.ts";
import { PEERS, RUNTIMES } from "../../bench/peers.ts";
import { loadOption, peersOf, type Row, ROWS } from "../../bench/rows.ts";
import { Table } from "../../bench/table.ts";
import { readDocument } from "../support/documents.ts";

const VERSIONS = { node: "Node 1.2.3", deno: "Deno 4.5.6", bun: "Bun 7.8.9" };
const ABOUT: Circumstances = {
  command: "npm run bench -- --document",
  machine: "2 × Pocket Calculator, linux x64",
  runtimes: VERSIONS,
  packages: ["`ws` 8.0.0"],
  seconds: "0.5",
  warm: "0.4",
  rounds: 3,
  chart: "performance.svg",
};

function row(name: string): Row {
  return ROWS.find((row) => row.name === name)!;
}

/** One round that came to `figure`. */
function load(figure: number, more: Partial<Load> = {}): Load {
  return {
    opened: 10,
    errors: 0,
    seconds: 1,
    server_cpu_s: 0.9,
    server_grown: figure * 10,
    msgs_per_cpu_s: figure,
    handshakes_per_cpu_s: figure,
    ...more,
  };
}

function runs(name: string, figures: readonly number[], step?: Runs["step"]): Runs {
  return { peer: { name }, loads: figures.map((figure) => load(figure)), ...(step === undefined ? {} : { step }) };
}

/** Every row on every runtime: the first peer does `ours`, each other 100 a second. */
function everything(ours: number): Measured[] {
  return RUNTIMES.flatMap((runtime) =>
    ROWS.filter((row) => !row.onRequest).map((row) => ({
      row: row.name,
      runtime,
      at: "2026-11-26T12:00:00.000Z",
      runs: (row.steps ?? [undefined]).flatMap((step) =>
        peersOf(row, runtime).map(({ name }) =>
          runs(name, name.startsWith("hawser") ? [ours, ours, ours] : [100, 90, 110], step)
        )
      ),
    }))
  );
}

describe("figures", () => {
  it("are divided round by round, and the median counts", () => {
    const all = [runs("hawser-waist", [10, 40, 90]), runs("ws", [1, 2, 3])];
    expect(ratioTo(row("20B-binary"), all[0]!, "ws", all)).toEqual({ value: 20, aim: 14, most: false });
    expect(ratioTo(row("20B-binary"), all[1]!, "ws", all)).toBeUndefined();
    expect(ratioTo(row("20B-binary"), all[0]!, "net", all)).toBeUndefined();
    expect(spreadOf(row("20B-binary"), all[1]!)).toBe(0.5);
    expect(spreadOf(row("20B-binary"), runs("ws", [1]))).toBeUndefined();
  });

  it("say whether they reach their aim, as they are shown", () => {
    expect(tell({ value: 13.96, aim: 14, most: false })).toBe("14 ✓ (≥ 14)");
    expect(tell({ value: 13.94, aim: 14, most: false })).toBe("13.9 ✗ (≥ 14)");
    expect(tell({ value: 0.79, aim: 0.8, most: true })).toBe("0.79 ✓ (≤ 0.8)");
    expect(tell({ value: 1.4, most: false })).toBe("1.4");
    expect(tell({ value: NaN, aim: 1, most: false })).toBe("?");
  });

  it("are less where they are better, of memory", () => {
    const all = [runs("hawser-service", [70_000]), runs("ws", [100_000])];
    expect(ratioTo(row("idle"), all[0]!, "ws", all)).toEqual({ value: 0.7, aim: 0.8, most: true });
    expect(sizeOf(row("compressing"), all[0]!)).toEqual({ value: 70_000, aim: 65_536, most: true });
  });

  it("grow against the first step of the same peer, and the last step has the aim", () => {
    const [ten, hundred, , most] = row("connections").steps!;
    const all = [
      runs("hawser-service", [100], ten),
      runs("hawser-service", [80], hundred),
      runs("hawser-service", [50], most),
    ];
    expect(all.map((one) => growthOf(row("connections"), one, all))).toEqual([
      undefined,
      { value: 1.25, most: true },
      { value: 2, aim: 1.5, most: true },
    ]);
  });
});

describe("rows", () => {
  it("are measured where somebody takes part, with a peer to compare with", () => {
    for (const row of ROWS) {
      for (const runtime of RUNTIMES) {
        const names = peersOf(row, runtime).map(({ name }) => name);
        expect(names.some((name) => /^(client-)?ws$/.test(name)), `${row.name} on ${runtime}`).toBe(true);
        expect(new Set(names).size, `${row.name} on ${runtime}`).toBe(names.length);
      }
    }
  });

  it("have aims for peers and baselines that there are", () => {
    const known = new Set(PEERS.map(({ name }) => name));
    const named = ROWS.flatMap(({ aims = {}, atMost = {}, growth = {}, without = [] }) => [
      ...Object.keys({ ...aims, ...atMost, ...growth }),
      ...Object.values(aims).flatMap((one) => Object.keys(one)),
      ...without,
    ]);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it("let their steps win over what is the same for all", () => {
    expect(loadOption(row("connections"), "-c", row("connections").steps![3])).toBe(10_000);
    expect(loadOption(row("20B-single"), "-p")).toBe(1);
    expect(loadOption(row("handshakes"), "-s")).toBeUndefined();
  });
});

describe("the printed table", () => {
  it("has a column for each baseline that takes part, and says what went wrong", () => {
    const one = row("20B-binary");
    const table = new Table("echo", peersOf(one, "node"));
    expect(table.head()).toMatch(/÷ ws .*÷ net /);
    expect(table.head()).not.toContain("raw");
    const broken = { peer: { name: "hawser-waist" }, loads: [load(1_500, { errors: 2 })] };
    const lines = table.block(one, [broken, runs("ws", [100])]).split("\n");
    expect(lines[0]).toBe("20B-binary: 20 B binary, 64 connections, 32 in flight");
    expect(lines[1]).toMatch(/hawser-waist .*1 500 .*15 ✓ \(≥ 14\).* 2 ERRORS$/);
  });
});

describe("the document", () => {
  const block = blockOf(everything(1_500), ABOUT);

  it("says what was typed, when, on what, and how the figures vary", () => {
    expect(block).toContain(
      "`npm run bench -- --document` on 2026-11-26: 2 × Pocket Calculator, linux x64; Node 1.2.3, Deno 4.5.6",
    );
    expect(block).toContain("the median of 3 rounds of 0.5 s");
    expect(block).toContain("](performance.svg)");
  });

  it("has the rows of each part on each runtime, figures with their spread and ratios with their aims", () => {
    for (const version of Object.values(VERSIONS)) expect(block).toContain(`### ${version}\n`);
    expect(block.match(/^#### Memory$/gm)).toHaveLength(3);
    expect(block).toMatch(/\| 20 B binary, 64 connections, 32 in flight +\| 1 500 ± 0 % +\|.*\| 100 ± 10 % +\|/);
    expect(block).toMatch(/\| `hawser-waist` ÷ `ws` +\|/);
    expect(block).toContain("15 ✓ (≥ 14)");
    // 20 B and 1 500 messages are 0.03 MB.
    expect(block).toMatch(/^Growth with the size[^|]*\|[^\n]*\n[^\n]*\n\| 20 B binary[^|]*\| 0\.03 /m);
    expect(block).toMatch(/^\| 10 000 +\| 1 ✓ \(≤ 1\.5\)/m);
  });

  it("lists the aims that are missed, and only those", () => {
    const [, count, total] = /(\d+) of (\d+) aims are reached\. Those that are not:/.exec(block)!.map(Number);
    const list = block.slice(block.indexOf("Those that are not:"), block.indexOf("### Node"));
    expect(list.match(/✗/g)).toHaveLength(total! - count!);
    expect(list).not.toContain("✓");
    expect(list).toMatch(/Node 1\.2\.3 +\| Memory: .*`hawser-waist` ÷ `ws` +\| 15 ✗ \(≤ 0\.8\)/);
  });

  it("takes the place of the last one, and leaves the prose", () => {
    const document = readDocument("docs/performance.md");
    const once = withBlock(document, block), [prose] = document.split("<!-- What follows");
    expect(once.startsWith(prose!)).toBe(true);
    expect(withBlock(once, block)).toBe(once);
    expect(() => withBlock("# Performance", block)).toThrow("its two marks are not there");
  });
});

describe("the chart", () => {
  const chart = chartOf(everything(1_500), VERSIONS);

  it("is one picture with a title, axes that say what they are, and colours for dark pages too", () => {
    expect(chart).toMatch(/^<svg [^>]*viewBox="0 0 1000 \d+" role="img" aria-labelledby="t">\n<title id="t">/);
    expect(chart).toContain("(log axis;");
    expect(chart).toContain("axis from zero");
    expect(chart).toContain("prefers-color-scheme: dark");
    expect(chart).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("draws every runtime, and nothing outside", () => {
    for (const version of Object.values(VERSIONS)) expect(chart.split(`>${version}<`)).toHaveLength(5);
    const places = [...chart.matchAll(/ (?:x|x1|x2|cx)="(-?[\d.]+)"/g)].map(([, x]) => Number(x));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...places)).toBeLessThanOrEqual(1_000);
  });

  it("can be drawn of figures that are far apart, or missing", () => {
    expect(chartOf(everything(1e9), VERSIONS)).not.toMatch(/NaN|Infinity/);
    // Whoever did nothing has no place on a log axis, and takes none from the others.
    const idle = chartOf(everything(0), VERSIONS);
    expect(idle).not.toMatch(/NaN|Infinity/);
    expect(idle.match(/<path class="w line"/g)).toHaveLength(2 * 3);
    expect(chartOf([], VERSIONS)).not.toMatch(/NaN|Infinity|undefined/);
  });
});
