import { expect, it } from "vitest";
import { SharedMessage } from "../../src/streams/shared_message.ts";
import type { Framed, Message, MessageSocket } from "../../src/transport/message_socket.ts";
import { FakeSocket } from "../support/fake_socket.ts";

class FramingSocket extends FakeSocket {
  readonly framing: number;
  readonly framed: Message[] = [];
  readonly got: Uint8Array[] = [];

  constructor(framing: number) {
    super();
    this.framing = framing;
  }
  frame(message: Message): Framed {
    this.framed.push(message);
    return { bytes: Uint8Array.of(this.framing), inflated: undefined };
  }
  sendFramed({ bytes }: Framed): boolean {
    this.got.push(bytes);
    return this.writable;
  }
}

it("S12: is framed once for each kind of receiver", () => {
  const sockets = [5, 5, 7, 5, 7].map((framing) => new FramingSocket(framing));
  const shared = new SharedMessage("hello");
  for (const socket of sockets) expect(shared.sendTo(socket)).toBe(true);
  expect(sockets.map(({ framed }) => framed.length)).toEqual([1, 0, 1, 0, 0]);
  expect(sockets.map(({ got }) => got.map((bytes) => bytes[0]))).toEqual([[5], [5], [7], [5], [7]]);
});

it("goes as it is where the runtime frames, and says when to wait", () => {
  const native = new FakeSocket();
  const slow: MessageSocket = Object.assign(new FramingSocket(5), { writable: false });
  const shared = new SharedMessage("hello");
  expect(shared.sendTo(native)).toBe(true);
  expect(native.sent).toEqual(["hello"]);
  expect(shared.sendTo(slow)).toBe(false);
});
