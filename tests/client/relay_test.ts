import { describe, expect, it } from "vitest";
import { Relay } from "../../src/client/relay.ts";
import type { ByteSink, ByteTransport } from "../../src/transport/byte_transport.ts";

class FakeTransport implements ByteTransport {
  readonly calls: string[] = [];
  bufferedAmount = 7;
  sink: ByteSink | undefined;
  start(sink: ByteSink): void {
    this.sink = sink;
    this.calls.push("start");
  }
  write(chunk: Uint8Array): boolean {
    this.calls.push(`write ${chunk.join(" ")}`);
    return false;
  }
  end(): void {
    this.calls.push("end");
  }
  destroy(): void {
    this.calls.push("destroy");
  }
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
}

class Listener implements ByteSink {
  readonly heard: string[] = [];
  bytes(chunk: Uint8Array): void {
    this.heard.push(`bytes ${chunk.join(" ")}`);
  }
  drained(): void {
    this.heard.push("drained");
  }
  ended(): void {
    this.heard.push("ended");
  }
  closed(error?: Error): void {
    this.heard.push(`closed ${error?.message ?? ""}`);
  }
}

function start() {
  const transport = new FakeTransport();
  const relay = new Relay(transport);
  const [first, second] = [new Listener(), new Listener()];
  relay.start(first);
  return { transport, relay, first, second };
}

const A = Uint8Array.of(1);
const B = Uint8Array.of(2);

describe("Relay", () => {
  it("passes everything on, both ways", () => {
    const { transport, relay, first } = start();
    transport.sink!.bytes(A);
    transport.sink!.drained();
    transport.sink!.ended();
    transport.sink!.closed(new Error("x"));
    expect(first.heard).toEqual(["bytes 1", "drained", "ended", "closed x"]);
    expect([relay.write(B), relay.bufferedAmount]).toEqual([false, 7]);
    relay.pause();
    relay.resume();
    relay.end();
    relay.destroy();
    expect(transport.calls).toEqual(["start", "write 2", "pause", "resume", "end", "destroy"]);
  });

  it("keeps what comes between its listeners, in order, and never tells the second from inside its call", async () => {
    const { transport, relay, first, second } = start();
    relay.suspend();
    transport.sink!.bytes(A);
    expect(relay.takeKept()).toEqual(A);
    transport.sink!.bytes(B);
    transport.sink!.ended();
    relay.start(second);
    expect([first.heard, second.heard]).toEqual([[], []]);
    await Promise.resolve();
    expect(second.heard).toEqual(["bytes 2", "ended"]);
    expect(transport.calls).toEqual(["start", "pause", "resume"]);
    transport.sink!.bytes(A);
    expect(second.heard).toEqual(["bytes 2", "ended", "bytes 1"]);
  });

  it("tells the second of an end that came before it", async () => {
    const { transport, relay, second } = start();
    relay.suspend();
    transport.sink!.closed(new Error("reset"));
    relay.start(second);
    await Promise.resolve();
    expect(second.heard).toEqual(["closed reset"]);
  });

  it("stays paused when the second pauses before it is told anything", async () => {
    const { transport, relay, second } = start();
    relay.suspend();
    relay.start(second);
    relay.pause();
    await Promise.resolve();
    expect(transport.calls).toEqual(["start", "pause", "pause"]);
    relay.resume();
    expect(transport.calls).toEqual(["start", "pause", "pause", "resume"]);
  });

  it("leaves what the second has not heard to the third", async () => {
    const { transport, relay, second } = start();
    relay.suspend();
    transport.sink!.bytes(A);
    transport.sink!.bytes(B);
    transport.sink!.ended();
    second.bytes = (chunk) => {
      second.heard.push(`bytes ${chunk.join(" ")}`);
      relay.suspend();
    };
    relay.start(second);
    await Promise.resolve();
    expect(second.heard).toEqual(["bytes 1"]);
    expect(transport.calls).toEqual(["start", "pause", "pause"]);
    const third = new Listener();
    relay.start(third);
    await Promise.resolve();
    expect([second.heard, third.heard]).toEqual([["bytes 1"], ["bytes 2", "ended"]]);
    expect(transport.calls).toEqual(["start", "pause", "pause", "resume"]);
  });

  it("is not put upon itself", () => {
    const { transport, relay } = start();
    expect(Relay.of(relay)).toBe(relay);
    expect(Relay.of(transport)).not.toBe(relay);
  });
});
