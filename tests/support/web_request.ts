/** Requests as a runtime's own server hands them to its handler: WHATWG ones. */

/** A request of any kind. `changes` replaces headers of a valid upgrade, adds them, or drops them (undefined). */
export function webRequest(
  path = "/",
  changes: Readonly<Record<string, string | undefined>> = {},
  init: RequestInit = {},
): Request {
  const headers = new Headers();
  const given = {
    host: "hawser.test",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
    ...changes,
  };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) headers.set(name, value);
  return new Request(`http://hawser.test${path}`, { ...init, headers });
}

/** A request for a page. */
export function pageRequest(
  path = "/",
  headers: Readonly<Record<string, string>> = {},
  init: RequestInit = {},
): Request {
  return new Request(`http://hawser.test${path}`, { ...init, headers: { host: "hawser.test", ...headers } });
}

/** An answer as `403 The body`. */
export async function told(answer: Response | undefined | Promise<Response | undefined>): Promise<string> {
  const response = await answer;
  return response === undefined ? "no answer" : `${response.status} ${await response.text()}`.trimEnd();
}
