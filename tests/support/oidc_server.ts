/** The program `oidc_program.mjs`, and a `fetch` that trusts its certificate. */

import { spawn } from "node:child_process";
import { request } from "node:https";
import { fileURLToPath } from "node:url";

import { ROOT } from "../../scripts/command.ts";
import type { Fetch } from "../../src/auth/limited_fetch.ts";

export interface OidcServer {
  readonly url: string;
  /** Of who signed its certificate. */
  readonly ca: string;
  close(): Promise<void>;
}

export async function startOidcServer(): Promise<OidcServer> {
  const program = fileURLToPath(new URL("./oidc_program.mjs", import.meta.url));
  const child = spawn("node", ["--import", "tsx", program], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  let output = "";
  const started = new Promise<{ url: string; ca: string }>((resolve, reject) => {
    // It says a few things of its own, too: that it would like a newer Node.
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      const line = output.split("\n").slice(0, -1).find((line) => line.startsWith('{"url"'));
      if (line !== undefined) resolve(JSON.parse(line));
    });
    child.stderr.setEncoding("utf8").on("data", (text) => output += text);
    void gone.then(() => reject(new Error(`The server ended: ${output}`)));
  });
  return {
    ...await started,
    async close() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** As much of `fetch` as a request to a server of OAuth 2.0 needs, with an authority of its own. */
export function trustingFetch(ca: string): Fetch {
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const sent = request(url, {
        method: method ?? "GET",
        ca,
        headers: Object.fromEntries(new Headers(headers)),
        ...(signal && { signal }),
      }, (answer) => {
        const chunks: Uint8Array[] = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const heard = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
          resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode!, headers: heard }));
        });
      });
      sent.on("error", reject);
      sent.end(body == null ? undefined : String(body));
    });
}
