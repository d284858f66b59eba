/** A server that sends each message back while it still comes, and then what it found of it. Run by a test. */

import process from "node:process";
import { Listener } from "../../mod.ts";
import { LargeCheck } from "./large_message.ts";

const listener = new Listener(0, { host: "127.0.0.1" });
listener.attach("/", {
  get: () => ({
    async onMessageStream(caller, message) {
      if (message.kind === "text") throw new TypeError("Not text");
      const check = new LargeCheck();
      await caller.writeMessage(check.through(message));
      return check.report;
    },
  }),
});
await listener.start();
process.stdout.write(`${listener.url}\n`);
