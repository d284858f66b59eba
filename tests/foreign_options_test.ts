import { describe, expect, it } from "vitest";
import { checkClient } from "../src/client/options.ts";
import { HINTS_OF_CLIENT, HINTS_OF_LISTENER, HINTS_OF_SERVICE } from "../src/foreign_options.ts";
import { checkListener, checkService, type UpgradeServiceOptions } from "../src/service/options.ts";

const client = (given: object): unknown => checkClient(given);
const service = (given: object): unknown => checkService({ get: () => ({}), ...given } as UpgradeServiceOptions);
const listener = (given: object): unknown => checkListener(0, given);

describe.each([
  ["a client", client, HINTS_OF_CLIENT],
  ["a service", service, HINTS_OF_SERVICE],
  ["a listener", listener, new Map([...HINTS_OF_LISTENER].filter(([name]) => name !== "onError"))],
])("%s", (_, check, hints) => {
  it.each([...hints])("%s: %s", (name, hint) => {
    const message = `Cannot use the option "${name}": there is none of that name${hint}`;
    expect(() => check({ [name]: 1 })).toThrow(new TypeError(message));
  });

  it("what a hint leads to is there", () => {
    const targets = new Set([...hints.values()].map((hint) => /^, here it is "([^".]+)(\.[^"]+)?"$/.exec(hint)));
    for (const found of targets) {
      if (found === null) continue;
      const [, name = "", field] = found;
      check({ [name]: field === undefined ? undefined : { [field.slice(1)]: undefined } });
    }
  });
});

it.each<[(given: object) => unknown, string, string]>([
  [client, "headers", 'here it is "customHeaders"'],
  [client, "timeout", 'here it is "handshakeTimeout"'],
  [client, "reconnectionAttempts", 'here it is "retryConfig.maxCount"'],
  [service, "maxPayload", 'here it is "maxMessageSize"'],
  [service, "perMessageDeflate", 'the listener has it, as "webSocketCompressionEnabled"'],
  [service, "trustedProxies", "it is an option of the listener"],
  [service, "onMessage", 'here it is a handler, "onMessage", of what "get" returns'],
  [listener, "maxPayload", 'in "attach" it is "maxMessageSize"'],
  [listener, "pingInterval", 'it is an option of "attach"'],
  [listener, "hostname", 'here it is "host"'],
])("%o: %s leads to %s", (check, name, hint) => {
  expect(() => check({ [name]: 1 })).toThrow(`"${name}": there is none of that name, ${hint}`);
});
