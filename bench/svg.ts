/** The few pieces of SVG that the chart is made of: elements, text, and axes that say where a value is. */

/** Where something is drawn. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Ticks = readonly (readonly [value: number, label: string])[];

/** One axis: from values to places, and its grid in a frame. */
export interface Scale {
  at(value: number): number;
  /** Numbers at which a line of the grid looks right. */
  readonly ticks: readonly number[];
  /** Across: labels below. The line at `strong` stands out. */
  svg(frame: Frame, ticks: Ticks, strong?: number): string;
  /** Upwards: labels on the left. */
  svgUp(frame: Frame, ticks: Ticks): string;
}

/** An element without content. */
export function el(name: string, attributes: Readonly<Record<string, string | number>>): string {
  const written = Object.entries(attributes).map(([key, value]) => `${key}="${shown(value)}"`);
  return `<${name} ${written.join(" ")}/>`;
}

export function text(
  x: number,
  y: number,
  content: string,
  style: string,
  anchor: "start" | "middle" | "end" = "start",
): string {
  const at = `x="${shown(x)}" y="${shown(y)}" class="${style}"${anchor === "start" ? "" : ` text-anchor="${anchor}"`}`;
  return `<text ${at}>${escaped(content)}</text>`;
}

/** From zero to at least `most`. */
export function linearAxis(most: number, from: number, to: number): Scale {
  const step = 10 ** Math.floor(Math.log10(most)) / 2;
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
  const every = Math.ceil(ticks.length / 6);
  return scale((value) => from + value / most * (to - from), ticks.filter((_, i) => i % every === 0));
}

/** With a line at each power of ten. */
export function logAxis(least: number, most: number, from: number, to: number): Scale {
  const share = (value: number): number => Math.log(value / least) / Math.log(most / least);
  const powers = Array.from({ length: 19 }, (_, i) => Number(`1e${i - 9}`));
  return scale((value) => from + share(value) * (to - from), powers.filter((value) => value > least && value < most));
}

function scale(at: (value: number) => number, ticks: readonly number[]): Scale {
  return {
    at,
    ticks,
    svg({ x, y, width, height }, ticks, strong) {
      const frame = el("rect", { class: "frame", x, y, width, height });
      return frame + ticks.map(([value, label]) => {
        const place = at(value), style = value === strong ? "one" : "grid";
        return el("line", { class: style, x1: place, x2: place, y1: y, y2: y + height }) +
          text(place, y + height + 12, label, "small", "middle");
      }).join("");
    },
    svgUp({ x, width }, ticks) {
      return ticks.map(([value, label]) => {
        const place = at(value);
        return el("line", { class: "grid", x1: x, x2: x + width, y1: place, y2: place }) +
          text(x - 6, place + 3, label, "small", "end");
      }).join("");
    },
  };
}

function shown(value: string | number): string {
  return typeof value === "number" ? `${Math.round(value * 10) / 10}` : escaped(value);
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
