/** What every server under test owes the runner: its port and process id on the first line, and an end when stdin ends. */

import process from "node:process";

/** Tells the runner where to find us, and leaves when the runner does; `exit`, so that a profile is written. */
export function announce(port: number): void {
  console.log(`${port} ${process.pid}`);
  process.stdin.on("end", () => process.exit(0)).on("error", () => process.exit(0)).resume();
}

/** The second argument: messages are compressed, as the library does it by default. */
export const compressed: boolean = process.argv[3] === "compressed";

/** The first argument: what to do with a message. */
export const job: "echo" | "fanout" = process.argv[2] === "fanout" ? "fanout" : "echo";
