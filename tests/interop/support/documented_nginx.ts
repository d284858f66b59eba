/**
 * nginx with what a document says: its blocks are put where their directives belong, its ports are free ones, its paths
 * lead into a folder of the test. It has a master and workers, as a service has them, so that it can be reloaded.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, onTestFinished } from "vitest";
import { runCommand } from "../../../scripts/command.ts";
import { commandPath } from "../../../scripts/system_packages.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { startDaemon } from "./daemon.ts";
import { manyFreePorts } from "./free_ports.ts";

export interface DocumentedNginx {
  /** In the clear: the same server as behind TLS, for clients that trust nobody new. */
  readonly url: string;
  readonly secureUrl: string;
  /** Of the server on port 80. */
  readonly plainUrl: string;
  /** The certificate of the authority behind `secureUrl`: the path of a PEM file. */
  readonly authority: string;
  /** Changes its configuration and has it read again, by the command that does it. */
  reload(change: (configuration: string) => string): Promise<void>;
}

/** Directives that stand outside of `http`, and inside of a `server`. All others are for `http`. */
const MAIN = /^(worker_\w+|events)\b/;
const SERVER = /^location\b/;

/** How often another process may take our port before nginx has it. */
const TRIES = 3;

/** Starts it until the test is over, with `ports` in place of those of the upstreams. */
export async function documentedNginx(
  text: string,
  ports: Readonly<Record<number, number>>,
): Promise<DocumentedNginx> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-nginx-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { ca, cert, key } = makeCertificates();
  const files = { "ca.pem": ca, "fullchain.pem": cert, "privkey.pem": key };
  for (const [name, pem] of Object.entries(files)) await writeFile(join(folder, name), pem, { mode: 0o600 });
  const file = join(folder, "nginx.conf");
  const command = commandPath("nginx")!;
  const where = ["-e", "stderr", "-p", folder, "-c", "nginx.conf"];
  for (let tries = 1;; tries++) {
    const [clear, secure, plain] = await manyFreePorts(3);
    let configuration = compose(text)
      .replaceAll(/\blisten 443 ssl;/g, `listen 127.0.0.1:${clear}; listen 127.0.0.1:${secure} ssl;`)
      .replaceAll(/\blisten 80;/g, `listen 127.0.0.1:${plain};`)
      .replaceAll("listen;", `listen 127.0.0.1:${clear};`)
      .replaceAll("/etc/ssl/example.com/", "");
    for (const [said, port] of Object.entries(ports)) {
      configuration = configuration.replaceAll(`127.0.0.1:${said}`, `127.0.0.1:${port}`);
    }
    await writeFile(file, configuration);
    try {
      const daemon = await startDaemon(command, [...where, "-g", "daemon off;"], /start worker process \d+/);
      onTestFinished(() => daemon.stop());
    } catch (error) {
      if (tries < TRIES && String(error).includes("Address already in use")) continue;
      throw error;
    }
    return {
      url: `ws://127.0.0.1:${clear}`,
      secureUrl: `wss://localhost:${secure}`,
      plainUrl: `http://127.0.0.1:${plain}`,
      authority: join(folder, "ca.pem"),
      async reload(change) {
        configuration = change(configuration);
        await writeFile(file, configuration);
        const { ok, output } = await runCommand(command, [...where, "-s", "reload"], { timeout: 10 });
        expect(ok, output).toBe(true);
      },
    };
  }
}

/** A whole configuration of the statements in `text`. */
function compose(text: string): string {
  const statements = statementsOf(text);
  const main = statements.filter((statement) => MAIN.test(statement));
  const server = statements.filter((statement) => SERVER.test(statement));
  const http = statements.filter((statement) => !main.includes(statement) && !server.includes(statement));
  if (server.length > 0) http.push(`server { listen; ${server.join("\n")} }`);
  if (!main.some((statement) => statement.startsWith("events"))) main.push("events {}");
  // Its workers would change to a user who cannot read the folder.
  if (process.getuid?.() === 0) main.push("user root root;");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`);
  return `pid nginx.pid; error_log stderr notice;
${main.join("\n")}
http {
  access_log off;
  ${temporary.join(" ")}
  ${http.join("\n")}
}
`;
}

/** The directives at the top, each with its semicolon or its braces. */
function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let depth = 0;
  let statement = "";
  for (const character of text.replaceAll(/(?<=^|\s)#.*/g, "")) {
    statement += character;
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (depth === 0 && (character === ";" || character === "}")) {
      statements.push(statement.trim());
      statement = "";
    }
  }
  expect(statement.trim(), "nothing is left open").toBe("");
  return statements;
}
