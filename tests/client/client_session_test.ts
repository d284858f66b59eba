import { describe, expect, it } from "vitest";
import type { CommonSettings } from "../../src/client/common_options.ts";
import { ClientSession } from "../../src/client/client_session.ts";
import type { ClientOptions } from "../../src/client/options.ts";
import { ConnectionClosureError, ConnectionError } from "../../src/errors.ts";
import { Attempts } from "../support/attempts.ts";

const OWNER = { pong() {} };

/** A session that has begun to connect. Its owner is no client, and need not be one. */
function begin(options: ClientOptions<typeof OWNER> = {}) {
  const attempts = new Attempts();
  const session = new ClientSession(
    OWNER,
    attempts.runtime,
    attempts.runtime.plan<typeof OWNER>("ws://a.example", options),
  );
  return { attempts, session, clock: attempts.clock };
}

// What a client does with it is tested in client_test.ts and reconnecting_endpoint_test.ts.
describe("a session of one connection", () => {
  it("has nothing to read or write before it is open", async () => {
    const { attempts, session } = begin();
    expect([session.endpoint, session.wasOpened, session.response]).toEqual([undefined, false, undefined]);
    expect(() => session.open("Cannot read")).toThrow('Cannot read: the connection is not open yet, "opened" tells');
    await attempts.last.open();
    await session.opened;
    expect([session.open("Cannot read").endpoint.state, session.wasOpened]).toEqual(["open", true]);
    expect(session.response?.status).toBe(101);
  });

  it("tells a failure by opened, by closed and by each use", async () => {
    const { attempts, session } = begin();
    const error = new ConnectionError("refused");
    await attempts.last.fail(error);
    await expect(session.opened).rejects.toBe(error);
    expect((await session.closed).error).toBe(error);
    expect(() => session.open("Cannot read")).toThrow(ConnectionClosureError);
    expect(attempts.all).toHaveLength(1);
  });

  it("ends with its connection, after idleTimeout too", async () => {
    const { attempts, session, clock } = begin({ idleTimeout: 1 });
    const socket = await attempts.last.open();
    await clock.pass(2_000);
    expect(socket.calls).toContain("close 1001 idle timeout");
    socket.end();
    expect((await session.closed).code).toBe(1006);
    expect([attempts.all.length, clock.timers]).toEqual([1, 0]);
  });

  it("calls onIdleTimeout with its owner instead", async () => {
    const called: unknown[] = [];
    const onIdleTimeout: CommonSettings<typeof OWNER>["onIdleTimeout"] = (owner) => void called.push(owner);
    const { attempts, clock } = begin({ idleTimeout: 1, onIdleTimeout });
    const socket = await attempts.last.open();
    await clock.pass(1_100);
    expect([called, socket.calls]).toEqual([[OWNER], []]);
  });
});

describe("a session of several connections (C9)", () => {
  it("can be read from and written to from the beginning on, with one inbox", async () => {
    const { attempts, session, clock } = begin({ retryConfig: { jitter: false } });
    const { inbox } = session.open("Cannot read");
    const first = await attempts.last.open();
    first.sink!.message("a");
    first.end();
    await clock.pass(1_000);
    (await attempts.last.open()).sink!.message("b");
    expect(session.open("Cannot read").inbox).toBe(inbox);
    expect([inbox.next(), inbox.next()]).toEqual(["a", "b"]);
  });

  it("hands onReconnect its owner", async () => {
    const called: unknown[] = [];
    const { attempts, clock } = begin({
      retryConfig: { jitter: false, onReconnect: (owner) => void called.push(owner) },
    });
    (await attempts.last.open()).end();
    await clock.pass(1_000);
    await attempts.last.open();
    expect(called).toEqual([OWNER]);
  });
});
