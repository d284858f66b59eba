/** Answers that lead a client elsewhere and mean harm, byte by byte. */

import { expect, it } from "vitest";
import { onSockets, switching } from "../support/on_sockets.ts";

const { connect, server } = onSockets();

it("attack 41: a redirect takes no secret to another origin, nor one back from there", async () => {
  const requests: string[] = [];
  const played = (answer: (request: string) => string): Promise<string> =>
    server((peer, request) => {
      requests.push(request);
      return peer.raw.write(answer(request));
    });
  const redirect = (location: string): string =>
    `HTTP/1.1 307 On\r\nLocation: ${location}\r\nSet-Cookie: planted=1; Domain=127.0.0.1\r\n\r\n`;

  let home = "";
  // Another port of the same host, and another name of it.
  const thief = await played((request) => redirect(request.startsWith("GET / ") ? "/again" : `${home}back`));
  const accomplice = await played(() => redirect(thief.replace("127.0.0.1", "localhost")));
  home = await played((request) => request.startsWith("GET /back ") ? switching(request) : redirect(accomplice));

  const client = await connect(home, {
    maxRedirects: 4,
    customHeaders: { AuthoriZation: "Bearer secret-1", cookie: "id=secret-2", "proxy-authorization": "secret-3" },
  });
  expect(client.isOpen()).toBe(true);
  expect(requests.map((request) => request.match(/secret-\d/g))).toEqual([
    ["secret-1", "secret-2", "secret-3"],
    null,
    null,
    null,
    null,
  ]);

  requests.length = 0;
  await connect(home, { maxRedirects: 4, cookies: [{ name: "id", value: "secret-4" }] });
  // Cookies know no ports (RFC 6265 §8.5), but hosts.
  expect(requests.map((request) => /^cookie: (.*)\r$/im.exec(request)?.[1])).toEqual([
    "id=secret-4",
    "id=secret-4",
    undefined,
    undefined,
    "id=secret-4",
  ]);
});
