import { expect, it } from "vitest";
import { tlsReason } from "../../../src/adapters/node/tls_reason.ts";

it.each([
  [
    "803C:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:../deps/x.c:1605:SSL alert 70\n",
    "tlsv1 alert protocol version",
  ],
  ["error:1C800064:Provider routines::bad decrypt", "bad decrypt"],
  ["error:0900006e:PEM routines:OPENSSL_internal:NO_START_LINE", "no start line"],
  ["ENOENT: no such file or directory, open '/a, b/key.pem'", "ENOENT: no such file or directory"],
  ["unable to verify the first certificate", "unable to verify the first certificate"],
  ["received fatal alert: ProtocolVersion", "received fatal alert: ProtocolVersion"],
])("of %j tells the reason", (message, reason) => {
  expect(tlsReason(new Error(message))).toBe(reason);
});
