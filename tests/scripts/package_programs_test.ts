import { describe, expect, it } from "vitest";

import { importEach, packageSpecifier, renameImports } from "../../scripts/package_programs.ts";

const SOURCES = { ".": "./mod.ts", "./node": "./src/adapters/node/mod.ts" };

describe("renameImports", () => {
  it("gives every subpath the name that a user writes", () => {
    const text = 'import { Client } from "../../mod.ts";\nimport { upgrade } from "../../src/adapters/node/mod.ts";\n';
    expect(renameImports(text, packageSpecifier("npm:hawser@1.2.3"), SOURCES)).toBe(
      'import { Client } from "npm:hawser@1.2.3";\nimport { upgrade } from "npm:hawser@1.2.3/node";\n',
    );
  });

  it("refuses an import that no user could write", () => {
    const text = 'import { WebSocketError } from "../../src/errors.ts";\n';
    expect(() => renameImports(text, packageSpecifier("hawser"), SOURCES)).toThrow("is no subpath of the package");
  });
});

it("importEach names what has to be there, for the compiler and for the runtime", () => {
  const program = importEach(packageSpecifier("hawser"), new Map([["./node", ["Router", "upgrade"]]]));
  expect(program).toContain('(keyof typeof import("hawser/node"))[] = ["Router","upgrade"];');
  expect(program).toContain('found["./node"] = await import("hawser/node").then(');
});
