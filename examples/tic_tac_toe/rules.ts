/** The rules of tic-tac-toe: what a game looks like, who may play where, and who has won. Knows no player, only signs. */

export type Sign = "X" | "O";

/** One position. Never changed: `play` makes the next one. */
export interface Game {
  /** Row by row, from the top left. */
  readonly squares: readonly (Sign | null)[];
  /** Whose turn it is; null: the game is over. */
  readonly next: Sign | null;
  /** Who has won; null: nobody, or nobody yet. */
  readonly winner: Sign | null;
  /** The three squares that won. */
  readonly line: readonly number[] | null;
}

const LINES: readonly (readonly [number, number, number])[] = [
  [0, 1, 2],
  [3, 4, 5],
  [6, 7, 8],
  [0, 3, 6],
  [1, 4, 7],
  [2, 5, 8],
  [0, 4, 8],
  [2, 4, 6],
];

/** Whether there is such a square. */
export function isSquare(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 8;
}

/** A game in which `first` begins. */
export function newGame(first: Sign): Game {
  return { squares: Array<null>(9).fill(null), next: first, winner: null, line: null };
}

export function other(sign: Sign): Sign {
  return sign === "X" ? "O" : "X";
}

/** Why `sign` may not play on `square`, as a sentence without a full stop; undefined: he may. */
export function whyNot({ squares, next }: Game, sign: Sign, square: number): string | undefined {
  if (next === null) return "The game is over";
  if (next !== sign) return `It is the turn of ${next}`;
  if (!isSquare(square)) return "There is no such square";
  if (squares[square] !== null) return "That square is taken";
  return undefined;
}

/**
 * The position after `sign` played on `square`.
 *
 * @throws {RangeError} when he may not
 */
export function play(game: Game, sign: Sign, square: number): Game {
  const reason = whyNot(game, sign, square);
  if (reason !== undefined) throw new RangeError(`Cannot play: ${reason}`);
  const squares = game.squares.with(square, sign);
  const line = LINES.find((line) => line.every((square) => squares[square] === sign)) ?? null;
  const isOver = line !== null || !squares.includes(null);
  return { squares, next: isOver ? null : other(sign), winner: line === null ? null : sign, line };
}
