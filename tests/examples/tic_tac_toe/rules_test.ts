import { describe, expect, it } from "vitest";
import { type Game, isSquare, newGame, play, type Sign, whyNot } from "../../../examples/tic_tac_toe/rules.ts";

/** The position after these squares were played, in turns. */
function after(squares: readonly number[], first: Sign = "X"): Game {
  return squares.reduce((game, square) => play(game, game.next!, square), newGame(first));
}

describe("a new game", () => {
  it("is empty, and begins with whom it is told", () => {
    for (const first of ["X", "O"] as const) {
      expect(newGame(first)).toEqual({ squares: Array(9).fill(null), next: first, winner: null, line: null });
    }
  });
});

describe("play", () => {
  it("sets the sign and passes the turn on, and leaves the position before as it was", () => {
    const before = newGame("X");
    const game = play(play(before, "X", 4), "O", 0);
    expect(game.squares).toEqual(["O", null, null, null, "X", null, null, null, null]);
    expect(game).toMatchObject({ next: "X", winner: null, line: null });
    expect(before.squares).toEqual(Array(9).fill(null));
  });

  it("ends with each of the eight lines", () => {
    const lines = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]];
    for (const line of lines) {
      const others = [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((square) => !line.includes(square));
      const game = after([line[0]!, others[0]!, line[1]!, others[1]!, line[2]!], "O");
      expect(game).toMatchObject({ next: null, winner: "O", line });
    }
  });

  it("ends in a draw when all is full and nobody has a line", () => {
    expect(after([4, 0, 2, 6, 3, 5, 1, 7, 8])).toMatchObject({ next: null, winner: null, line: null });
  });

  it("knows a line that the last square completes", () => {
    expect(after([0, 2, 1, 3, 4, 6, 5, 7, 8])).toMatchObject({ next: null, winner: "X", line: [0, 4, 8] });
  });

  it("goes on while lines are empty: they are nobody's", () => {
    expect(after([0, 1])).toMatchObject({ next: "X", winner: null, line: null });
  });

  it("refuses what whyNot does", () => {
    expect(() => play(newGame("X"), "O", 0)).toThrow(new RangeError("Cannot play: It is the turn of X"));
  });
});

describe("whyNot", () => {
  const game = after([4]);

  it("is nothing for a free square in turn", () => {
    expect([0, 1, 2, 3, 5, 6, 7, 8].map((square) => whyNot(game, "O", square))).toEqual(Array(8).fill(undefined));
  });

  it("out of turn", () => {
    expect(whyNot(game, "X", 0)).toBe("It is the turn of O");
  });

  it("a square that is taken", () => {
    expect(whyNot(game, "O", 4)).toBe("That square is taken");
  });

  it("a square that there is not", () => {
    for (const square of [-1, 9, 0.5, NaN, Infinity]) {
      expect(whyNot(game, "O", square)).toBe("There is no such square");
    }
  });

  it("and what is none", () => {
    expect([0, 8, -1, 9, 0.5, NaN, "0", null, undefined, [0], "length"].filter(isSquare)).toEqual([0, 8]);
  });

  it("after the end", () => {
    const won = after([0, 3, 1, 4, 2]);
    expect([whyNot(won, "O", 5), whyNot(won, "X", 5)]).toEqual(["The game is over", "The game is over"]);
  });
});
