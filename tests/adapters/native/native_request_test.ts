import { describe, expect, it } from "vitest";
import { NativeRequest } from "../../../src/adapters/native/native_request.ts";
import { ConnectionError } from "../../../src/errors.ts";
import { webRequest } from "../../support/web_request.ts";

/** What a runtime makes of its request once it was upgraded: nothing of it can be read any more. */
class TakenBack {
  #request: Request | undefined;
  constructor(request: Request) {
    this.#request = request;
  }
  get method(): string {
    return this.#read().method;
  }
  get url(): string {
    return this.#read().url;
  }
  get headers(): Headers {
    return this.#read().headers;
  }
  get signal(): AbortSignal {
    return this.#read().signal;
  }
  takeBack(): void {
    this.#request = undefined;
  }
  #read(): Request {
    if (this.#request === undefined) throw new TypeError("Request closed");
    return this.#request;
  }
}

it("is a copy that can be read when the runtime has taken its own back", () => {
  const raw = new TakenBack(webRequest("/chat?room=1", { cookie: "a=1; b=2", "x-one": "1" }));
  const request = new NativeRequest(raw as unknown as Request, "192.0.2.7", false);
  raw.takeBack();
  expect([request.method, request.url, request.remoteAddress, request.secure])
    .toEqual(["GET", "http://hawser.test/chat?room=1", "192.0.2.7", false]);
  expect([request.headers.get("cookie"), request.headers.get("x-one")]).toEqual(["a=1; b=2", "1"]);
  expect(request.headers).toBe(request.headers);
});

it.each(["http", "https", "ws", "wss"])("is secure when the server is, whatever the client wrote: %s", (scheme) => {
  const raw = { ...webRequest(), method: "GET", headers: new Headers(), url: `${scheme}://hawser.test/a?b` } as Request;
  const [plain, tls] = [new NativeRequest(raw, undefined, false), new NativeRequest(raw, undefined, true)];
  expect([plain.secure, plain.url, plain.remoteAddress]).toEqual([false, "http://hawser.test/a?b", undefined]);
  expect([tls.secure, tls.url]).toEqual([true, "https://hawser.test/a?b"]);
});

describe("attack 9: the signal", () => {
  it("is aborted with a ConnectionError when the client leaves", () => {
    const client = new AbortController();
    const request = new NativeRequest(webRequest("/", {}, { signal: client.signal }), undefined, false);
    const { signal } = request;
    expect([signal.aborted, request.hasLeft]).toEqual([false, false]);
    client.abort();
    expect([signal.aborted, request.hasLeft, request.signal === signal]).toEqual([true, true, true]);
    expect(signal.reason).toBeInstanceOf(ConnectionError);
  });

  it("that is asked for afterwards is aborted already", () => {
    const client = new AbortController();
    const request = new NativeRequest(webRequest("/", {}, { signal: client.signal }), undefined, false);
    client.abort();
    expect(request.signal.reason).toBeInstanceOf(ConnectionError);
  });

  it("is not aborted any more once it is decided", () => {
    const client = new AbortController();
    const request = new NativeRequest(webRequest("/", {}, { signal: client.signal }), undefined, false);
    const { signal } = request;
    request.decided();
    client.abort();
    expect([signal.aborted, request.hasLeft, request.signal === signal]).toEqual([false, false, true]);
  });

  it("of the runtime is left alone as long as nobody asks", () => {
    let looks = 0;
    const raw = webRequest();
    Object.defineProperty(raw, "signal", { get: () => (looks++, new AbortController().signal) });
    const request = new NativeRequest(raw, undefined, false);
    expect([request.hasLeft, looks]).toEqual([false, 0]);
    expect([request.signal.aborted, request.signal.aborted, looks]).toEqual([false, false, 1]);
  });
});
