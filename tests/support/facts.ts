/**
 * The hosts of the behaviours suite; and what the runtimes' own servers and sockets, or their `node:` modules, do otherwise
 * than the suite expects and cannot be made to do: a closed list. Each sentence stands in the compatibility table, and is
 * shown by at least one test of tests/behaviours/.
 */

/** As the compatibility table names them: on hawser's engine, or on the runtime's own server and sockets. */
export const HOSTS = ["node engine", "deno engine", "bun engine", "deno native", "bun native"] as const;
export type Host = (typeof HOSTS)[number];

/** Each is called after its runtime. */
export const FACTS = {
  "deno-no-control":
    "Deno 2.9 answers pings by itself, shows neither pings nor pongs, and can send neither: `onPing`, " +
    "`onPong`, `ping`, `pong`, `maxControlFramesPerSecond` and `maxPendingPongs` are refused, and `idleTimeout` counts " +
    "messages only.",
  "deno-own-pings":
    "Deno 2.9 pings by itself, at whole seconds, every half of `pingInterval` and `pongTimeout` together and " +
    "not at all when one of them is 0, and does not tell of the answer: there is no `latency`. Of a message that waits " +
    "it tells only when all of it is out: a peer that needs longer for one than both together is cut.",
  "deno-own-answer": "Deno 2.9 answers a close frame by itself, with the same code: a close frame that `onClose` " +
    "returns comes too late.",
  "deno-no-cut":
    "Deno 2.9 has no way to cut a connection, and no deadline behind a close frame: one that is cut gets an " +
    "empty close frame (at the end of a listener also Deno's own 1001), and its TCP connection stays until the peer " +
    "sends or ends something.",
  "deno-no-crossing":
    "Deno 2.9 drops a peer of which anything but a close frame comes behind its own: the end is 1006, and the peer may " +
    "see a reset instead of the close frame.",
  "deno-no-1014": "Deno 2.9 takes a close frame with 1014 for a broken rule.",
  "deno-silent-failure":
    "Deno 2.9 drops a peer that breaks the protocol without a close frame (no 1002, 1007 or 1009): " +
    "`onError` hears which rule it broke, `onClose` of 1006.",
  "deno-unmasked": "Deno 2.9 takes frames that are not masked, and lengths in more bytes than they need.",
  "deno-no-frames":
    "Deno 2.9 neither shows nor splits frames: `maxFrameSize`, `maxFragments`, `messageTimeout`, and messages in parts, " +
    "out and in, are refused. Frames are checked when they are whole; a character cut at the end of a message in " +
    "fragments is dropped, and so is such a message when another begins.",
  "deno-late-size":
    "Deno 2.9 holds a message until it is whole, and its fragments without limit; `maxMessageSize` is " +
    "held against it only then. One of more than 64 MiB is refused: a longer frame is a lost connection.",
  "deno-no-compression": "Deno 2.9 does not compress: no extension is agreed on, and the options of compression are " +
    "refused, `maxInflatedBytesPerSecond` too.",
  "deno-no-dictionary":
    "Deno 2.9 takes no dictionary for raw deflate: what it compresses refers to no earlier message.",
  "deno-no-pause":
    "Deno 2.9 cannot stop reading: passing `readAhead` ends in 1008, of which the peer may see no more than a " +
    "reset; `onError` hears of it.",
  "deno-payload-bytes": "Deno 2.9 counts payloads without their frames in `bufferedAmount`.",
  "deno-no-request-deadline":
    "Deno 2.9 waits for ever for the end of a request's head: `timeout` holds for `get` only.",
  "deno-lenient-http":
    "Deno 2.9 does not tell the version of HTTP: an upgrade in HTTP/1.0 is taken. A header that is too large is a 400.",
  "deno-no-ciphers": "Deno 2.9 takes a list of cipher suites and passes over it: `ciphers` is refused on both sides.",
  "deno-sessions":
    "Deno 2.9 resumes no TLS session as a client, and as a server those of TLS 1.2 whatever it is told: " +
    "`shareSession: false` of a listener is refused, and `setSecureContext` with other authorities of clients, because the " +
    "sessions of before are resumed.",
  "deno-tls-reason": "Deno 2.9 says of an expired certificate only that it cannot be verified.",
  "deno-own-tls":
    "Deno 2.9's own server takes a key and its certificate, and no more of TLS: `hosts`, `mutualSsl`, `protocol`, " +
    "`ciphers`, `shareSession`, `sessionTimeout`, `handshakeTimeout` and `setSecureContext` are refused; a handshake may take for ever.",
  "bun-own-ciphers":
    "Bun 1.4 leaves no choice among the cipher suites of TLS 1.3: `ciphers` with some of them, and not " +
    "all, is refused on both sides.",
  "bun-own-tls":
    "Bun 1.4's own server tells no certificate of a client, which is verified all the same, and keeps what it was " +
    'started with: `caller.peerCertificate` is undefined, `hosts`, `verifyClient: "optional"`, ' +
    "`sessionTimeout`, `handshakeTimeout` and `setSecureContext` are refused; a handshake may take for ever.",
  "bun-https-certificates": "Bun 1.4 tells no certificate of a client on an `https` server of yours.",
  "bun-lenient-http":
    "Bun 1.4 tells neither the version of HTTP nor a user name in an absolute target: an upgrade in " +
    "HTTP/1.0, or with such a name, is taken. Frames that come before a `get` that takes its time is done end in Bun's own 400.",
  "bun-no-close-wait":
    "Bun 1.4 ends the connection with its own close frame and does not wait for the answer: `close` " +
    "resolves as soon as everything is sent, with the code that was sent and `clean: false`.",
  "bun-own-answer":
    "Bun 1.4 answers a close frame by itself, with the same code: a close frame that `onClose` returns " +
    "comes too late.",
  "bun-own-pong": "Bun 1.4 answers pings by itself; what `onPing` answers is a second pong. " +
    "`maxPendingPongs` is refused.",
  "bun-no-frames":
    "Bun 1.4 neither shows nor splits frames: `maxFrameSize`, `maxFragments`, `messageTimeout`, and messages in parts, " +
    "out and in, are refused; text is checked when the message is whole, a size a whole fragment at a time; lengths may be " +
    "in more bytes than they need.",
  "bun-one-size":
    "Bun 1.4 has one limit on messages for a whole server, from its start on: afterwards a service with a " +
    "larger `maxMessageSize` is refused.",
  "bun-own-compression": "Bun 1.4 compresses each message by itself, agrees to no window, and declines an offer that " +
    "asks for one of the server's: of the options only `threshold` is taken. `maxInflatedBytesPerSecond` is " +
    "refused. Of a compressed message that is cut it hands on what came, and nothing of what comes behind a final block.",
  "bun-corked": "Bun 1.4 does not count in `bufferedAmount` what it gathers while a handler runs.",
  "bun-own-request-deadline":
    "Bun 1.4 cuts a request whose head has not ended after 12 seconds, whatever `timeout` says, " +
    "and without an answer: `timeout` holds for `get` only.",
} as const satisfies Record<string, string>;

export type Fact = keyof typeof FACTS;
