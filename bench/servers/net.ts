/**
 * The control: a bare socket. It answers the upgrade, learns the length of a frame from the first one, and from then on
 * only counts bytes: for each chunk it writes as many ready-made frames as the chunk completed, in one write; a broadcast
 * is such a write to each. No WebSocket library that parses can be faster.
 */

import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { announce, job } from "./announce.ts";

/** Where a client's payload begins, and its length. */
function measure(frame: Buffer): { header: number; payload: number } {
  const short = frame[1]! & 127;
  if (short < 126) return { header: 6, payload: short };
  if (short === 126) return { header: 8, payload: frame.readUInt16BE(2) };
  return { header: 14, payload: Number(frame.readBigUInt64BE(2)) };
}

/** `count` server frames in a row, each the client's without its mask. The payload only has to have the right length. */
function readyMade(first: Buffer, header: number, payload: number, count: number): Buffer {
  const frame = Buffer.alloc(header - 4 + payload, "a");
  first.copy(frame, 0, 0, header - 4);
  frame[1]! &= 127;
  return Buffer.concat(Array.from({ length: count }, () => frame));
}

/** Shared, since the load is the same on every connection: one copy that stays in the processor's cache. */
let frames: Buffer | undefined;

const sockets = new Set<Socket>();

function echo(socket: Socket): void {
  let frame = 0, answer = 0, pending = 0;
  let start = Buffer.alloc(0);
  const receivers = job === "fanout" ? sockets.add(socket) : [socket];
  socket.on("close", () => sockets.delete(socket)).on("data", (chunk) => {
    if (frame === 0) {
      start = Buffer.concat([start, chunk]);
      if (start.length < 14) return;
      const { header, payload } = measure(start);
      frame = header + payload;
      answer = frame - 4;
      // As many as the longest chunk can complete, also when it ends one that is there but for its last byte.
      frames ??= readyMade(start, header, payload, Math.ceil(524_288 / frame) + 1);
      chunk = start;
    }
    pending += chunk.length;
    const complete = Math.floor(pending / frame);
    pending -= complete * frame;
    if (complete === 0) return;
    const answers = frames!.subarray(0, complete * answer);
    for (const receiver of receivers) receiver.write(answers);
  });
}

function handshake(socket: Socket): void {
  let head = "";
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("data", function onData(chunk: Buffer) {
    head += chunk.toString("latin1");
    if (!head.includes("\r\n\r\n")) return;
    socket.removeListener("data", onData);
    const key = /sec-websocket-key: *([^\r]*)/i.exec(head)?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    echo(socket);
  });
}

const server = createServer(handshake);
server.listen(0, "127.0.0.1", () => announce((server.address() as { port: number }).port));
