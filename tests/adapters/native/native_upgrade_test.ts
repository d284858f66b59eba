import { expect, it } from "vitest";
import { Door } from "../../../src/adapters/native/door.ts";
import { NativeRequest } from "../../../src/adapters/native/native_request.ts";
import { NativeUpgrade } from "../../../src/adapters/native/native_upgrade.ts";
import type { MessageSocket } from "../../../src/transport/message_socket.ts";
import { listenOptions } from "../../support/listen_options.ts";
import { failure } from "../../support/on_sockets.ts";
import { webRequest } from "../../support/web_request.ts";

class Pending extends NativeUpgrade<undefined> {
  constructor(raw: Request) {
    super(
      raw,
      new NativeRequest(raw, undefined, false),
      new Door(listenOptions([], { server: "s" }), undefined, false),
    );
  }
  override accept(): Promise<MessageSocket> {
    throw new Error("Not here");
  }
  taken(): Request {
    return this.take();
  }
}

it("is refused with the response, which names the server", async () => {
  const upgrade = new Pending(webRequest());
  await upgrade.reject(new Response("no", { status: 403 }));
  const answer = (await upgrade.answer)!;
  expect([answer.status, answer.headers.get("server"), await answer.text()]).toEqual([403, "s", "no"]);
});

it("has an answer also when the response cannot be sent: 500, and the reason is told", async () => {
  const upgrade = new Pending(webRequest());
  const locked = new Response("no", { status: 403 });
  locked.body!.getReader();
  expect(await failure(upgrade.reject(locked))).toBeInstanceOf(TypeError);
  expect((await upgrade.answer)!.status).toBe(500);
});

it("hands out the runtime's request once, and watches it no longer", () => {
  const client = new AbortController();
  const raw = webRequest("/", {}, { signal: client.signal });
  const upgrade = new Pending(raw);
  const { signal } = upgrade.request;
  expect(upgrade.taken()).toBe(raw);
  client.abort();
  expect(signal.aborted).toBe(false);
});
