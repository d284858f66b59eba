/** The same for `hawser/auth` and `hawser/auth/jwt`, with the package installed that this needs. Prints one line. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SignJWT } from "jose";

import { type Authenticator, Client, InvalidHandshakeError, Listener } from "../../mod.ts";
import { basicAuth, fileUserStore, hashPassword } from "../../src/adapters/auth/mod.ts";
import { jwtAuth } from "../../src/peers/jose.ts";

const secret = "a secret of more than thirty-two bytes";
const tokens: Authenticator = jwtAuth({ key: { secret } });
const folder = await mkdtemp(join(tmpdir(), "hawser-"));
const file = join(folder, "users");
await writeFile(file, `bob:${await hashPassword("secret", { ln: 10 })}:write\n`);
const passwords = basicAuth({ users: fileUserStore(file), scopes: "write" });

const listener = new Listener(0, { host: "127.0.0.1", auth: [tokens] });
listener.attach("/", { get: () => ({ onOpen: (caller) => caller.auth?.subject }) });
listener.attach("/bob", { auth: [passwords], get: (_request, { auth }) => ({ onOpen: () => auth?.subject }) });
await listener.start();

const subjectOf = async (path: string, authorization: string): Promise<string> => {
  const client = await Client.connect(listener.url + path, { customHeaders: { authorization } });
  const subject = await client.readTextMessage();
  await client.close();
  return subject;
};
const token = await new SignJWT({ sub: "ada" }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h")
  .sign(new TextEncoder().encode(secret));
const refused: unknown = await Client.connect(listener.url).catch((error: unknown) => error);
if (!(refused instanceof InvalidHandshakeError)) throw new Error("It let somebody in");
const ada = await subjectOf("/", `Bearer ${token}`);
const bob = await subjectOf("/bob", `Basic ${btoa("bob:secret")}`);
await listener.gracefulStop({ timeout: 5 });
await rm(folder, { recursive: true });
console.log(
  `${ada} from a token, ${refused.status} ${refused.headers.get("www-authenticate")}, ${bob} from a file`,
);
