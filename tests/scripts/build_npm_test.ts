import { expect, it } from "vitest";

import { nameJavaScript } from "../../scripts/build_npm.ts";

it("nameJavaScript renames relative modules in declarations, and nothing else", () => {
  const renamed = [
    ['import type { A } from "./a.ts";', 'import type { A } from "./a.js";'],
    ['} from "../b/c.ts";', '} from "../b/c.js";'],
    ['import "./d.ts";', 'import "./d.js";'],
    ['x: import("./e.ts").E | import("./f.ts").F;', 'x: import("./e.js").E | import("./f.js").F;'],
    ['import type { S } from "node:net";', 'import type { S } from "node:net";'],
    ['import type { P } from "package/p.ts";', 'import type { P } from "package/p.ts";'],
    ['type File = "./a.ts";', 'type File = "./a.ts";'],
  ];
  for (const [before = "", after = ""] of renamed) expect(nameJavaScript(before)).toBe(after);
});
