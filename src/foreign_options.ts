/**
 * What options of ws, socket.io, Bun.serve and undici are called here. Words for a `TypeError` and no more: none of these
 * names is an option, and a page, where each byte has to be fetched, goes without them.
 */

type Hints = ReadonlyMap<string, string>;
type Entry = readonly [name: string, hint: string];

/** Of both sides. */
const OF_CONNECTIONS: readonly Entry[] = [
  ...calledHere("maxMessageSize", "maxPayload", "maxPayloadLength", "maxHttpBufferSize"),
  ...calledHere("maxBufferedAmount", "backpressureLimit"),
  ...calledHere("bufferPolicy", "closeOnBackpressureLimit"),
  ...calledHere("pingInterval", "sendPings", "heartbeat", "heartbeatInterval"),
  ...calledHere("pongTimeout", "pingTimeout"),
  ...calledHere("maxPendingPongs", "maxPendingAutoPongs"),
  ...calledHere("messageTimeout", "maxBufferedChunks"),
  ...calledHere("subProtocols", "protocol", "protocols", "handleProtocols"),
];

const COMPRESSION = calledHere("webSocketCompressionEnabled", "perMessageDeflate", "compression");
const TLS = ["ca", "cert", "key", "passphrase", "pfx", "tls", "rejectUnauthorized", "servername"];

/** For the options of a client. */
export const HINTS_OF_CLIENT: Hints = new Map([
  ...OF_CONNECTIONS,
  ...COMPRESSION,
  ...calledHere("customHeaders", "headers", "extraHeaders"),
  ...calledHere("proxy", "agent", "dispatcher"),
  ...calledHere("cookies", "withCredentials"),
  ...calledHere("handshakeTimeout", "timeout", "connectTimeout", "connectionTimeout"),
  ...calledHere("requestTimeout", "ackTimeout"),
  ...calledHere("maxRedirects", "followRedirects"),
  ...calledHere("pingPongHandler", "autoPong"),
  ...calledHere("retryConfig", "reconnection", "reconnect", "autoReconnect"),
  ...calledHere("retryConfig.maxCount", "reconnectionAttempts", "retries", "maxRetries"),
  ...calledHere("retryConfig.interval", "reconnectionDelay", "minReconnectionDelay"),
  ...calledHere("retryConfig.maxWaitInterval", "reconnectionDelayMax", "maxReconnectionDelay"),
  ...calledHere("retryConfig.jitter", "randomizationFactor"),
  ...said('here "secureSocket" has what is for TLS', ...TLS),
  ...said("here the URL says it", "path", "query"),
  ...said('here it is an argument of "close"', "closeTimeout", "connectionClosureTimeout"),
  ...said('here "for await" and the read methods take the messages', "onMessage", "onmessage", "onTextMessage"),
  ...said('here "opened" tells it', "onOpen", "onopen"),
  ...said('here "closed" tells it', "onClose", "onclose", "onError", "onerror"),
]);

/** For the options of an upgrade service. */
export const HINTS_OF_SERVICE: Hints = new Map([
  ...OF_CONNECTIONS,
  ...calledHere("connectionClosureTimeout", "closeTimeout"),
  ...calledHere("origins", "cors", "origin"),
  ...calledHere("get", "verifyClient", "allowRequest", "upgrade"),
  ...said('the listener has it, as "webSocketCompressionEnabled"', "perMessageDeflate", "compression"),
  ...handler("onOpen", "open", "onopen", "connection"),
  ...handler("onMessage", "message", "onmessage"),
  ...handler("onTextMessage"),
  ...handler("onBinaryMessage"),
  ...handler("onMessageStream"),
  ...handler("onPing", "ping", "autoPong"),
  ...handler("onPong", "pong"),
  ...handler("onIdleTimeout"),
  ...handler("onClose", "close", "onclose"),
  ...handler("onError", "error", "onerror"),
]);

/** For the options of a listener, and of a router. */
export const HINTS_OF_LISTENER: Hints = new Map([
  ...[...OF_CONNECTIONS, ...HINTS_OF_SERVICE].map(([name, hint]): Entry => [name, hint.replace("here", 'in "attach"')]),
  ...COMPRESSION,
  ...calledHere("host", "hostname"),
  ...said("here the first argument is the port", "port"),
  ...said('here it is the first argument of "attach"', "path"),
  ...said('here a "Router" serves without a port', "noServer"),
  ...said('here "secureSocket" has what is for TLS', ...TLS),
]);

function calledHere(ours: string, ...theirs: readonly string[]): Entry[] {
  return said(`here it is "${ours}"`, ...theirs);
}

/** One of the service that `get` returns. */
function handler(ours: string, ...theirs: readonly string[]): Entry[] {
  return said(`here it is a handler, "${ours}", of what "get" returns`, ours, ...theirs);
}

function said(hint: string, ...names: readonly string[]): Entry[] {
  return names.map((name) => [name, `, ${hint}`]);
}
