/**
 * `hawser/auth`: users with passwords, in a file (features A1).
 *
 * @module
 */

export { basicAuth, type BasicAuthOptions, type User, type UserStore } from "../../auth/basic.ts";
export type { Authenticator, AuthRequest, AuthResult, Identity } from "../../auth/authenticator.ts";
export { type HashCost, hashPassword } from "./password_hash.ts";
export { fileUserStore, type UserFileOptions } from "./user_file.ts";
