/** A `MessageSocket` that records what it is told, and lets a test play the peer and a slow network. */

import type { Closure, WebSocketError } from "../../src/errors.ts";
import type { Message, MessageSink, MessageSocket } from "../../src/transport/message_socket.ts";

export class FakeSocket implements MessageSocket {
  protocol = "";
  bufferedAmount = 0;
  bytesReceived = 0;
  /** What `send` answers. */
  writable = true;
  /** Every call, in words: `send hello`, `ping 01`, `close 1000 bye`, `destroy`, `pause`, `resume`, `part a`, `last part`. */
  readonly calls: string[] = [];
  readonly sent: Message[] = [];
  /** Of each message sent, whether it might be compressed. */
  readonly compressed: boolean[] = [];
  sink: MessageSink | undefined;
  destroyedWith: WebSocketError | undefined;

  start(sink: MessageSink): void {
    this.sink = sink;
  }
  send(message: Message, compress = true): boolean {
    this.compressed.push(compress);
    const copy = typeof message === "string" ? message : message.slice();
    this.sent.push(copy);
    this.calls.push(`send ${typeof copy === "string" ? copy : hex(copy)}`);
    if (!this.writable) this.bufferedAmount += message.length;
    return this.writable;
  }
  sendPart?(part: Message, fin: boolean): boolean {
    const copy = typeof part === "string" ? part : hex(part);
    this.calls.push(`${fin ? "last part" : "part"} ${copy}`.trimEnd());
    if (!this.writable) this.bufferedAmount += part.length;
    return this.writable;
  }
  close(code?: number, reason?: string): void {
    this.calls.push(`close ${code ?? ""} ${reason ?? ""}`.trimEnd());
  }
  destroy(error?: WebSocketError): void {
    this.destroyedWith = error;
    this.calls.push("destroy");
  }
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
  ping(payload: Uint8Array): void {
    this.calls.push(`ping ${hex(payload)}`);
  }
  pong(payload: Uint8Array): void {
    this.calls.push(`pong ${hex(payload)}`);
  }

  /** The network takes everything again. */
  drain(): void {
    this.writable = true;
    this.bufferedAmount = 0;
    this.sink!.drained();
  }
  /** The peer closes with a frame, and the connection ends cleanly. */
  closeByPeer(code: number, reason = ""): void {
    this.sink!.closing?.(code, reason);
    const frame = { code, reason };
    this.sink!.closed({ ...frame, clean: true, received: frame, sent: frame, first: "remote" });
  }
  /** The connection ends as told; by default it is lost. */
  end(closure: Partial<Closure> = {}): void {
    this.sink!.closed({ code: 1006, reason: "", clean: false, ...closure });
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
