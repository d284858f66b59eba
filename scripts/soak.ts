/**
 * The tests of endurance with a lot to do: a million messages each way, 10 000 connections of which a thousand vanish and
 * a thousand are reset. `npm run soak`, or `npm run soak -- node bun-native` for some of the hosts. As long as an hour.
 */

import process from "node:process";

process.env["HAWSER_SOAK"] = "long";
const hosts = process.argv.slice(2);
if (hosts.length === 0) process.argv.push("node", "deno", "bun", "deno-native", "bun-native");
process.argv.push("tests/behaviours/nothing_lost_test.ts", "tests/behaviours/leaks_test.ts");
await import("./test.ts");
