import { describe, expect, it } from "vitest";
import { bounded, MAX_ISSUES, MAX_KEY, MAX_PATH, MAX_SENTENCE, summaryOf, toIssues } from "../../src/binding/issues.ts";

describe("toIssues (B3)", () => {
  it("keeps messages and paths, keys in objects too", () => {
    expect(toIssues([{ message: "Bad", path: ["a", { key: 0 }] }, { message: "Worse" }])).toEqual([
      { message: "Bad", path: ["a", 0] },
      { message: "Worse" },
    ]);
  });

  it("keeps so many issues, so much of each, and so long a path", () => {
    const path = Array.from({ length: 1_000 }, () => "k".repeat(1_000));
    const issues = toIssues(Array.from({ length: 1_000 }, () => ({ message: "x".repeat(10_000), path })));
    expect(issues).toHaveLength(MAX_ISSUES);
    expect(issues[0]!.message).toBe("x".repeat(MAX_SENTENCE - 1) + "…");
    expect(issues[0]!.path).toHaveLength(MAX_PATH);
    expect(issues[0]!.path![0]).toBe("k".repeat(MAX_KEY - 1) + "…");
  });

  it("leaves a key that is not too long as it is, and says what kind of key a Map has", () => {
    const key = Object.create(null) as string;
    const symbol = Symbol("s");
    expect(toIssues([{ message: "Bad", path: ["a  b", 1, symbol, { key }] }])).toEqual([
      { message: "Bad", path: ["a  b", 1, symbol, "object"] },
    ]);
  });

  it("takes a list that makes another kind of list of itself", () => {
    class Odd<T> extends Array<T> {
      constructor(...items: T[]) {
        super();
        this.push(...items);
      }
    }
    expect(toIssues([{ message: "Bad", path: new Odd("a", "b") }])).toEqual([{ message: "Bad", path: ["a", "b"] }]);
  });
});

it("summaryOf tells the first, where it is, and how many there are", () => {
  expect(summaryOf([], 0)).toBe("the schema refused it");
  expect(summaryOf([{ message: "Bad" }], 1)).toBe("Bad");
  expect(summaryOf([{ message: "Bad", path: [] }], 1)).toBe("Bad");
  expect(summaryOf([{ message: "Bad", path: ["a", 0, Symbol("s")] }], 3)).toBe('Bad at "a.0.Symbol(s)", and 2 more');
  const long = summaryOf([{ message: "Bad", path: Array.from({ length: 32 }, () => "k".repeat(64)) }], 1);
  expect(long.length).toBeLessThan(MAX_KEY + 10);
});

it("bounded cuts, keeps a character whole, and makes one line", () => {
  expect(bounded("ab\r\n\tc", 10)).toBe("ab c");
  expect(bounded("abcd", 4)).toBe("abcd");
  expect(bounded("abcde", 4)).toBe("abc…");
  expect(bounded("ab😀de", 4)).toBe("ab…");
});
