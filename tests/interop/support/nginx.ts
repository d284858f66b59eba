/** nginx as a reverse proxy in front of a port, set up as its documentation says for WebSocket. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { commandPath } from "../../../scripts/system_packages.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { freePorts } from "./free_ports.ts";

export interface Nginx {
  readonly url: string;
  /** The same over TLS, which ends at the proxy. */
  readonly secureUrl: string;
  /** The certificate of the authority behind `secureUrl`: the path of a PEM file. */
  readonly authority: string;
}

/** Where its own connections come from: not where its clients are. Linux has all of 127.0.0.0/8. */
export const NGINX_ADDRESS = "127.0.0.2";

/** How often another process may take our port before nginx has it. */
const TRIES = 3;

/** Puts nginx in front of `backend`, until the test is over. */
export async function nginxBefore(backend: number, readTimeout = "60s"): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-nginx-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { ca, cert, key } = makeCertificates();
  const files = { "ca.pem": ca, "cert.pem": cert, "key.pem": key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  for (let tries = 1;; tries++) {
    const [port, securePort] = await freePorts();
    await writeFile(join(folder, "nginx.conf"), configuration({ port, securePort, backend, readTimeout }));
    try {
      const daemon = await start(folder);
      onTestFinished(() => daemon.stop());
    } catch (error) {
      if (tries < TRIES && String(error).includes("Address already in use")) continue;
      throw error;
    }
    return {
      url: `ws://127.0.0.1:${port}/`,
      secureUrl: `wss://localhost:${securePort}/`,
      authority: join(folder, "ca.pem"),
    };
  }
}

/** In the foreground, with no file outside of `folder`. It listens before it says by which means. */
function start(folder: string): Promise<Daemon> {
  const args = ["-e", "stderr", "-p", folder, "-c", "nginx.conf", "-g", "daemon off; master_process off;"];
  return startDaemon(commandPath("nginx")!, args, /using the "\w+" event method/);
}

interface Settings {
  readonly port: number;
  readonly securePort: number;
  readonly backend: number;
  readonly readTimeout: string;
}

function configuration({ port, securePort, backend, readTimeout }: Settings): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`);
  return `
pid nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
  ${temporary.join(" ")}
  map $http_upgrade $connection_upgrade { default upgrade; "" close; }
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${securePort} ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location / {
      proxy_pass http://127.0.0.1:${backend};
      proxy_http_version 1.1;
      proxy_bind ${NGINX_ADDRESS};
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout ${readTimeout};
    }
  }
}
`;
}
