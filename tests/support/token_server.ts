/** A server of OAuth 2.0 that answers as a test tells it to, and keeps what it was asked. */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request that came. */
export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  /** What the body says. */
  readonly body: Readonly<Record<string, string>>;
}

/** How a request is answered. */
export type Answering = (response: ServerResponse, asked: Asked) => void;

export interface TokenServer {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Has requests answered that way from now on. */
  answer(how: Answering): void;
  close(): void;
}

/** An answer in JSON. */
export function json(body: object, status = 200): Answering {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

export async function startTokenServer(): Promise<TokenServer> {
  const asked: Asked[] = [];
  let answer: Answering = json({}, 500);
  const server = createServer(async (request, response) => {
    let text = "";
    request.setEncoding("utf8");
    for await (const chunk of request) text += chunk;
    const one = {
      path: request.url ?? "",
      authorization: request.headers.authorization,
      body: Object.fromEntries(new URLSearchParams(text)),
    };
    asked.push(one);
    answer(response, one);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth`,
    asked,
    answer: (how) => answer = how,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
