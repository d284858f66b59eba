import { expect, it } from "vitest";
import { challengeOf, quoted } from "../../src/auth/challenge.ts";

it("is a scheme and its parameters", () => {
  expect(challengeOf("Bearer")).toBe("Bearer");
  expect(challengeOf("Bearer", undefined, "", 'error="invalid_token"')).toBe('Bearer error="invalid_token"');
  expect(challengeOf("Basic", 'realm="a"', 'charset="UTF-8"')).toBe('Basic realm="a", charset="UTF-8"');
});

it("quotes what is text in ASCII, and nothing else", () => {
  expect(quoted("realm", 'a "b" \\c')).toBe('"a \\"b\\" \\\\c"');
  for (const text of ["ä", "a\r\nSet-Cookie: b=1", "\x7f", 7, undefined]) {
    expect(() => quoted("realm", text)).toThrow(
      new TypeError('Cannot use the option "realm": it is not text in ASCII'),
    );
  }
});
