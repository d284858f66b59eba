/**
 * `hawser/auth/oauth2`: OAuth 2.0 with the package `oauth4webapi` 3, which whoever imports this installs. A listener asks a
 * server whether a token counts (features A1), a client asks one for tokens (A4).
 *
 * @module
 */

export type { Authenticator, AuthRequest, AuthResult, Identity } from "../auth/authenticator.ts";
export type { CredentialSource } from "../auth/credential_source.ts";
export type { Fetch } from "../auth/limited_fetch.ts";
export { introspectionAuth, type IntrospectionAuthOptions } from "./introspection.ts";
export {
  type ClientCredentialsGrant,
  type GrantOptions,
  type JwtBearerGrant,
  type OAuth2Credentials,
  oauth2Grant,
  type PasswordGrant,
  type RefreshTokenGrant,
  type TokenOptions,
} from "./oauth2_grant.ts";
export type { OAuth2Client } from "./oauth2_request.ts";
