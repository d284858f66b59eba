/** Hawser as its user has it: a `Listener`, and a `Service` that returns its argument. */

import { broadcast } from "../../src/service/broadcast.ts";
import type { Caller } from "../../src/service/caller.ts";
import { Listener } from "../../src/service/listener.ts";
import type { Service } from "../../src/service/service.ts";
import { announce, compressed, job } from "./announce.ts";
import { native, runtime } from "./hawser_host.ts";

const echo: Service = {
  onTextMessage: (_caller, text) => text,
  onBinaryMessage: (_caller, data) => data,
};

const callers = new Set<Caller>();
const fanout: Service = {
  onOpen: (caller) => void callers.add(caller),
  onTextMessage: (_caller, text) => void broadcast(callers, text),
  onClose: (caller) => void callers.delete(caller),
};

const listener = new Listener(runtime, 0, {
  host: native ? { native: "127.0.0.1" } : "127.0.0.1",
  webSocketCompressionEnabled: compressed,
});
listener.attach("/", { get: () => job === "fanout" ? fanout : echo });
await listener.start();
announce(listener.port);
