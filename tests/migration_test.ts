/**
 * The tables of docs/from_ws.md and docs/from_socket_io.md are complete: they name every option, event and member that
 * the installed ws and socket.io have. Their sources are read as text, since Bun has a ws of its own.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { ROOT } from "../scripts/command.ts";

describe("docs/from_ws.md", () => {
  const server = installed("ws/lib/websocket-server.js");
  const socket = installed("ws/lib/websocket.js");
  const compression = installed("ws/lib/permessage-deflate.js");

  it.each([
    ["options of a server", optionsIn(server), 15],
    ["options of a client", optionsIn(socket), 12],
    ["fields of perMessageDeflate", optionsIn(compression, ["isServer", "maxPayload"]), 8],
    ["events of a server", eventsIn(server), 5],
    ["events of a connection", eventsIn(socket), 8],
    ["members of a server", publicIn(server), 4],
    ["members of a connection", publicIn(socket), 12],
    ["exports", all(installed("ws/wrapper.mjs"), /^import (\w+)/gm), 8],
  ])("names the %s", (_what, names, least) => {
    expect(missing("docs/from_ws.md", names)).toEqual([]);
    expect(names.length).toBeGreaterThanOrEqual(least);
  });
});

describe("docs/from_socket_io.md", () => {
  const server = installed("socket.io/dist/index.d.ts");
  const engine = installed("engine.io/build/server.d.ts");
  const manager = installed("socket.io-client/build/esm/manager.d.ts");
  const client = installed("socket.io-client/build/esm/socket.d.ts");
  const clientEngine = installed("engine.io-client/build/esm/socket.d.ts");

  it.each([
    ["options of a server", [
      ...membersOf(server, "interface ServerOptions"),
      ...membersOf(engine, "interface AttachOptions"),
      ...membersOf(engine, "interface ServerOptions"),
    ], 20],
    ["members of a server", membersOf(server, "class Server"), 15],
    ["members of a socket on the server", membersOf(installed("socket.io/dist/socket.d.ts"), "class Socket"), 25],
    [
      "members of a room",
      membersOf(installed("socket.io/dist/broadcast-operator.d.ts"), "class BroadcastOperator"),
      10,
    ],
    ["fields of a handshake", membersOf(installed("socket.io/dist/socket-types.d.ts"), "interface Handshake"), 8],
    ["options of a client", [
      ...membersOf(manager, "interface ManagerOptions"),
      ...membersOf(client, "interface SocketOptions"),
      ...membersOf(clientEngine, "interface SocketOptions"),
    ], 30],
    ["events of a client", [
      ...membersOf(client, "interface SocketReservedEvents"),
      ...membersOf(manager, "interface ManagerReservedEvents"),
    ], 8],
    ["members of a socket on the client", membersOf(client, "class Socket"), 20],
  ])("names the %s", (_what, names, least) => {
    expect(missing("docs/from_socket_io.md", names)).toEqual([]);
    expect(names.length).toBeGreaterThanOrEqual(least);
  });
});

function installed(file: string): string {
  return readFileSync(join(ROOT, "node_modules", file), "utf8");
}

/** Those that stand in no code of `document`'s tables. */
function missing(document: string, names: readonly string[]): string[] {
  const rows = readFileSync(join(ROOT, document), "utf8").split("\n").filter((line) => line.startsWith("|")).join("\n");
  const code = [...rows.matchAll(/`([^`]+)`/g)].map(([, text]) => text).join("\n");
  const words = new Set(code.match(/[\w-]+/g));
  return names.filter((name) => !words.has(name));
}

/** The options that a docstring lists, but for `internal` ones. */
function optionsIn(source: string, internal: readonly string[] = []): string[] {
  return all(source, /@param \{.+\} \[options\.(\w+)/g).filter((name) => !internal.includes(name));
}

function eventsIn(source: string): string[] {
  return all(source, /\bemit(?:\.bind)?\((?:(?:this|websocket), )?'([\w-]+)'/g);
}

/** The members with a docstring that does not call them private. */
function publicIn(source: string): string[] {
  const documented = source.matchAll(/^ {2}\/\*\*\n((?: {3}\*.*\n)+)(?: {2}\/\*.*\n)?^ {2}(?:get )?(\w+)\(/gm);
  return [...documented].filter(([, comment]) => !comment!.includes("@private")).map(([, , name]) => name!)
    .filter((name) => name !== "constructor");
}

/** The members of a declaration that are for everybody. */
function membersOf(types: string, declaration: string): string[] {
  const body = types.match(new RegExp(`${declaration}\\b[\\s\\S]*?\\{\\n([\\s\\S]*?)^\\}`, "m"))?.[1] ?? "";
  return all(body, /^ {4}(?:readonly |get )?([a-z]\w*)(?=[?<(:])/gm).filter((name) => name !== "constructor");
}

function all(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))];
}
