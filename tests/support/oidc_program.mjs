/**
 * `oidc-provider` behind TLS on a free port, as a program of Node's: it runs in no other runtime. Prints where it is and
 * the authority of its certificate as one line of JSON. JavaScript, since that package has no types. Knows one user, `ada` with the password `ada-secret`.
 */

import { createServer } from "node:https";
import process from "node:process";
import { jwtVerify } from "jose";
import { errors, Provider } from "oidc-provider";

import { makeCertificates } from "./certificates.ts";

const ASSERTION_SECRET = new TextEncoder().encode("an assertion secret of thirty-two bytes and more");
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

const { ca, cert, key } = makeCertificates();
const server = createServer({ cert, key });
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `https://localhost:${server.address().port}`;

const provider = new Provider(url, {
  clients: [
    {
      client_id: "app",
      client_secret: "app-secret",
      grant_types: ["client_credentials", "refresh_token", "password", JWT_BEARER],
      redirect_uris: [],
      response_types: [],
    },
    { client_id: "listener", client_secret: "listener-secret", grant_types: [], redirect_uris: [], response_types: [] },
  ],
  scopes: ["openid", "offline_access", "read", "write"],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: false },
  },
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  cookies: { keys: ["a key of no importance"] },
  rotateRefreshToken: true,
});

/** A token for a user, and with it one to get others with. */
async function give(context, accountId, gty) {
  const { client, params } = context.oidc;
  const scope = params.scope ?? "";
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(`openid offline_access ${scope}`);
  const grantId = await grant.save();
  const common = { accountId, client, grantId, gty, scope: `openid offline_access ${scope}` };
  const token = new provider.AccessToken({ ...common, expiresWithSession: false });
  const refresh = new provider.RefreshToken({ ...common, rotations: 0, expiresWithSession: false });
  context.oidc.entity("Grant", grant);
  context.body = {
    access_token: await token.save(),
    refresh_token: await refresh.save(),
    expires_in: token.expiration,
    token_type: token.tokenType,
    scope: common.scope,
  };
}

provider.registerGrantType("password", async (context) => {
  const { username, password } = context.oidc.params;
  if (username !== "ada" || password !== "ada-secret") throw new errors.InvalidGrant("no such user");
  await give(context, username, "password");
}, ["username", "password", "scope"]);

provider.registerGrantType(JWT_BEARER, async (context) => {
  const { payload } = await jwtVerify(context.oidc.params.assertion, ASSERTION_SECRET, { audience: url })
    .catch((error) => {
      throw new errors.InvalidGrant(error.message);
    });
  await give(context, String(payload.sub), JWT_BEARER);
}, ["assertion", "scope"]);

server.on("request", provider.callback());
process.stdout.write(`${JSON.stringify({ url, ca })}\n`);
