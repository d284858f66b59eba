import { describe, expect, it } from "vitest";
import { Delivery } from "../../../src/adapters/native/delivery.ts";
import type { Closure } from "../../../src/errors.ts";
import { BufferBudget } from "../../../src/transport/buffer_budget.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { SinkWords } from "../../support/sink_words.ts";

const END: Closure = { code: 1000, reason: "", clean: true };

interface Delivered {
  readonly clock: ManualClock;
  readonly sink: SinkWords;
  readonly delivery: Delivery;
}

/** A delivery that has started already, or not yet. */
function deliver(started = true): Delivered {
  const clock = new ManualClock();
  const sink = new SinkWords();
  const delivery = new Delivery(clock);
  if (started) delivery.start(sink);
  clock.endTurn();
  return { clock, sink, delivery };
}

describe("a sink that listens", () => {
  it("is told at once, in order", () => {
    const { sink, delivery } = deliver();
    delivery.message("a");
    delivery.ping(Uint8Array.of(1));
    delivery.message(Uint8Array.of(2, 3));
    delivery.pong(Uint8Array.of(4));
    delivery.drained();
    expect(sink.take()).toEqual(["text a", "ping 01", "binary 02 03", "pong 04", "drained"]);
  });

  it("is told of the end after the turn, once, and of nothing behind it", () => {
    const { clock, sink, delivery } = deliver();
    delivery.closed(END);
    delivery.closed({ code: 1006, reason: "", clean: false });
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect([sink.take(), sink.closure]).toEqual([["closed 1000"], END]);
    delivery.message("late");
    delivery.ping(Uint8Array.of(1));
    delivery.pong(Uint8Array.of(1));
    delivery.drained();
    delivery.resume();
    clock.runTurns();
    expect(sink.take()).toEqual([]);
  });

  it("hears no more of room once the end is known", () => {
    const { clock, sink, delivery } = deliver();
    delivery.closed(END);
    delivery.drained();
    clock.endTurn();
    expect(sink.take()).toEqual(["closed 1000"]);
  });
});

describe("what comes before the start", () => {
  it("is kept and told after the turn, before what comes then", () => {
    const { clock, sink, delivery } = deliver(false);
    delivery.message("a");
    delivery.ping(Uint8Array.of(1));
    delivery.start(sink);
    delivery.message("b");
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    delivery.message("c");
    expect(sink.take()).toEqual(["text a", "ping 01", "text b", "text c"]);
  });

  it("ends with the end", () => {
    const { clock, sink, delivery } = deliver(false);
    delivery.message("a");
    delivery.pong(Uint8Array.of(1));
    delivery.closed(END);
    clock.endTurn();
    delivery.start(sink);
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect(sink.take()).toEqual(["text a", "pong 01", "closed 1000"]);
  });

  it("there was room again: told after the turn, unless the end came meanwhile", () => {
    const { clock, sink, delivery } = deliver(false);
    delivery.drained();
    delivery.start(sink);
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect(sink.take()).toEqual(["drained"]);

    const other = deliver(false);
    other.delivery.drained();
    other.delivery.closed(END);
    other.delivery.start(other.sink);
    other.clock.endTurn();
    expect(other.sink.take()).toEqual(["closed 1000"]);
  });
});

describe("a pause", () => {
  it("keeps everything but room, and the end behind it", () => {
    const { clock, sink, delivery } = deliver();
    delivery.pause();
    delivery.message("a");
    delivery.ping(Uint8Array.of(1));
    delivery.drained();
    clock.endTurn();
    expect(sink.take()).toEqual(["drained"]);
    // Nobody would lift the pause of a connection that is gone.
    delivery.closed(END);
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect(sink.take()).toEqual(["text a", "ping 01", "closed 1000"]);
  });

  it("from inside of a message takes effect before the next, kept or not", () => {
    const { clock, sink, delivery } = deliver(false);
    sink.onWord = () => delivery.pause();
    delivery.message("a");
    delivery.message("b");
    delivery.start(sink);
    clock.endTurn();
    expect(sink.take()).toEqual(["text a"]);
    delivery.message("c");
    for (const word of ["text b", "text c"]) {
      delivery.resume();
      clock.endTurn();
      expect(sink.take()).toEqual([word]);
    }
    delivery.resume();
    delivery.message("d");
    delivery.message("e");
    expect(sink.take()).toEqual(["text d"]);
  });

  it("that is over before the turn has changed nothing but the order of turns", () => {
    const { clock, sink, delivery } = deliver();
    delivery.pause();
    delivery.message("a");
    delivery.resume();
    delivery.message("b");
    delivery.pause();
    delivery.resume();
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect(sink.take()).toEqual(["text a", "text b"]);
  });

  it("between the end and its turn holds the end back", () => {
    const { clock, sink, delivery } = deliver();
    delivery.closed(END);
    delivery.pause();
    clock.endTurn();
    expect(sink.take()).toEqual([]);
    delivery.resume();
    clock.endTurn();
    expect(sink.take()).toEqual(["closed 1000"]);
  });
});

describe("the end from inside of a message that was kept", () => {
  it("is told behind the others, and once", () => {
    const { clock, sink, delivery } = deliver(false);
    sink.onWord = (word) => word === "text a" && delivery.closed(END);
    delivery.message("a");
    delivery.message("b");
    delivery.start(sink);
    clock.runTurns();
    expect(sink.take()).toEqual(["text a", "text b", "closed 1000"]);
  });

  it("when the rest is dropped is all that is told", () => {
    const { clock, sink, delivery } = deliver(false);
    sink.onWord = () => {
      delivery.drop();
      delivery.closed(END);
    };
    delivery.message("a");
    delivery.message("b");
    delivery.start(sink);
    clock.runTurns();
    expect(sink.take()).toEqual(["text a", "closed 1000"]);
  });
});

it("dropping forgets what was kept, and ends a pause", () => {
  const { clock, sink, delivery } = deliver();
  delivery.pause();
  delivery.message("a");
  delivery.drop();
  delivery.closed(END);
  clock.endTurn();
  expect(sink.take()).toEqual(["closed 1000"]);
});

it("H2: what is kept counts among all connections, until it is told or dropped", () => {
  const clock = new ManualClock();
  const buffers = new BufferBudget(1_000);
  const [told, dropped] = [new Delivery(clock, buffers), new Delivery(clock, buffers)];
  for (const delivery of [told, dropped]) {
    delivery.message("a");
    delivery.ping(Uint8Array.of(1));
  }
  expect(buffers.used).toBe(told.size + dropped.size);
  told.start(new SinkWords());
  clock.endTurn();
  expect([told.size, buffers.used]).toEqual([0, dropped.size]);
  dropped.drop();
  expect(buffers.used).toBe(0);
});
