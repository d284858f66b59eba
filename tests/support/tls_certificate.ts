/** A certificate for "localhost" with its key, and that of the authority that signed it: made once for a test file. */

import { makeCertificates } from "./certificates.ts";

const { ca, cert, key } = makeCertificates();
export const AUTHORITY: string = ca;
export const CERTIFICATE: string = cert;
export const KEY: string = key;
