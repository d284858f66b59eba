import { expect, it } from "vitest";
import { NativeHandler } from "../../../src/adapters/native/native_handler.ts";
import { NativeRequest } from "../../../src/adapters/native/native_request.ts";
import { NativeUpgrade } from "../../../src/adapters/native/native_upgrade.ts";
import type { MessageSocket } from "../../../src/transport/message_socket.ts";
import { listenOptions } from "../../support/listen_options.ts";
import { deferred } from "../../support/on_sockets.ts";
import { webRequest } from "../../support/web_request.ts";

class Pending extends NativeUpgrade {
  override accept(): Promise<MessageSocket> {
    throw new Error("Not here");
  }
}

class Handler extends NativeHandler<string> {
  protected override upgrade(request: Request, info: string): Pending {
    if (info === "broken") throw new Error("secret");
    return new Pending(request, new NativeRequest(request, info, false), this.door);
  }
}

it("hands over an upgrade, and answers with what was decided", async () => {
  const handler = new Handler(listenOptions([]), (upgrade) => upgrade.reject(new Response("no")), undefined, false);
  expect(await (await handler.handle(webRequest(), "192.0.2.7")).text()).toBe("no");
});

it("answers with 500 when it fails, and tells why", async () => {
  const errors: unknown[] = [];
  const handler = new Handler(listenOptions(errors), () => Promise.resolve(), undefined, false);
  const response = await handler.handle(webRequest(), "broken");
  expect([response.status, await response.text()]).toEqual([500, "The server could not answer"]);
  expect(errors).toEqual([new Error("secret")]);
});

it("answers with 503 once it is stopped, which waits for what is undecided", async () => {
  const decided = deferred();
  const handler = new Handler(listenOptions([]), () => decided.promise, undefined, false);
  void handler.handle(webRequest(), "192.0.2.7");
  let isOver = false;
  const stopped = handler.stop().then(() => isOver = true);
  expect([(await handler.handle(webRequest(), "192.0.2.7")).status, isOver]).toEqual([503, false]);
  decided.resolve();
  await stopped;
});
