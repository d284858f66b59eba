/** A server of a JSON Web Key Set, which may change its keys, be slow, or fail; and it counts. */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

export interface KeyServer {
  readonly url: string;
  /** How often it was asked. */
  requests(): number;
  /** Makes another key, which from now on signs and, alone, is in the set. */
  rotate(kid?: string): Promise<void>;
  /** A token of the key that there is: an hour, of the subject `ada`, with `claims` instead or besides. */
  sign(claims?: JWTPayload, header?: object): Promise<string>;
  /** Has requests answered otherwise; undefined: with the set. */
  answer(how: ((response: ServerResponse) => void) | undefined): void;
  close(): void;
}

export async function startKeyServer(algorithm = "ES256"): Promise<KeyServer> {
  let count = 0;
  let keys: object[] = [];
  let sign: KeyServer["sign"] = () => Promise.reject(new Error("There is no key"));
  let answer: ((response: ServerResponse) => void) | undefined;
  const server = createServer((_request, response) => {
    count++;
    if (answer !== undefined) return answer(response);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ keys }));
  });
  const rotate = async (kid?: string): Promise<void> => {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    const named = kid === undefined ? {} : { kid };
    keys = [{ ...await exportJWK(publicKey), ...named, alg: algorithm, use: "sig" }];
    sign = (claims = {}, header = {}) => {
      const now = Math.floor(Date.now() / 1_000);
      return new SignJWT({ sub: "ada", iat: now, exp: now + 3_600, ...claims })
        .setProtectedHeader({ alg: algorithm, ...named, ...header }).sign(privateKey);
    };
  };
  await rotate("first");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    requests: () => count,
    rotate,
    sign: (claims, header) => sign(claims, header),
    answer: (how) => answer = how,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
