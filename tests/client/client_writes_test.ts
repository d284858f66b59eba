import { describe, expect, it } from "vitest";
import { ClientWrites } from "../../src/client/client_writes.ts";
import type { ClientRuntime } from "../../src/client/connector.ts";
import { UnsupportedError, WriteTimedOutError } from "../../src/errors.ts";
import { writeInParts } from "../../src/streams/streamed_write.ts";
import { openInbox } from "../support/open_inbox.ts";

function start(hasParts = true, isOpen = true) {
  const open = openInbox();
  const runtime = {
    clock: open.clock,
    name: "here",
    report() {},
    ...(hasParts && { writeInParts }),
  } as unknown as ClientRuntime;
  const session = {
    open(action: string) {
      if (!isOpen) throw new TypeError(`${action}: not yet`);
      return { endpoint: open.endpoint };
    },
  };
  return { ...open, writes: new ClientWrites(runtime, 1_000, session) };
}

async function* parts(): AsyncGenerator<string> {
  yield "a";
}

// What a client makes of them is tested in client_test.ts.
describe("what a client writes", () => {
  it("is with the socket, or waits for a while", async () => {
    const { writes, socket, clock } = start();
    expect(writes.send("a")).toBeUndefined();
    socket.writable = false;
    const late = writes.write("b");
    clock.advance(1_000);
    await expect(late).rejects.toThrow(WriteTimedOutError);
    expect(socket.calls).toEqual(["send a", "send b"]);
  });

  it("may be a message in parts", async () => {
    const { writes, socket } = start();
    await writes.writeInParts(parts());
    expect(socket.calls).toEqual(["part a", "last part"]);
  });

  it("is refused in a rejection while there is no connection, and at once where there are no parts", async () => {
    const { writes } = start(true, false);
    await expect(writes.write("a")).rejects.toThrow("Cannot send a message: not yet");
    await expect(writes.writeInParts(parts())).rejects.toThrow("Cannot send a message: not yet");
    expect(() => start(false).writes.writeInParts(parts())).toThrow(UnsupportedError);
  });
});
