/**
 * A program whose every handler fails as it is told, on the runtime's own server: for tests that look whether it lives on.
 * `/<handler>/<how>` upgrades to a service with that failing handler; `ON_ERROR` says how errors themselves are heard.
 */

import process from "node:process";
import { Listener, type Message, type Service } from "../../mod.ts";

const HOW: Readonly<Record<string, () => unknown>> = {
  throws() {
    throw new Error("thrown");
  },
  rejects: () => Promise.reject(new Error("rejected")),
  rejectsLater: () => new Promise((_, reject) => setTimeout(() => reject(new Error("rejected later")))),
  // Not to be sent, whatever it is.
  cannotBeSent: () => ({ toJSON: HOW["throws"] }),
};

const echo = (_caller: unknown, message: Message): Message => message;

const listener = new Listener(0, {
  host: { native: "127.0.0.1" },
  ...(process.env["ON_ERROR"] !== undefined && { onError: HOW[process.env["ON_ERROR"]] as () => void }),
  fetch: (request) => HOW[new URL(request.url).pathname.slice(1)]!() as Response,
});

listener.attach("/echo", { get: () => ({ onMessage: echo }) });

listener.attach("/:handler/:how", {
  idleTimeout: 0.01,
  get(_request, { params: { handler, how } }) {
    const fail = HOW[how]!;
    if (handler === "get") return fail() as Service;
    // `onError` needs something to hear of.
    const onTextMessage = (handler === "onError" ? HOW["throws"] : echo) as NonNullable<Service["onTextMessage"]>;
    const service: Service = handler === "onMessage" ? {} : { onTextMessage };
    return Object.assign(service, { [handler]: fail });
  },
});

await listener.start();
console.log(listener.url);
