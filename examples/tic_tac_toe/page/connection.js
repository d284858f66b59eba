/**
 * The page's WebSocket, connected again whenever it is lost: after half a second, then after twice as long each time, up
 * to eight. Knows nothing of the game but its messages being JSON.
 */

const FIRST_DELAY = 500;
const LONGEST_DELAY = 8_000;

/** Another connection has taken this one's place: to connect again would take it back. */
const TAKEN_OVER = 4001;

/**
 * @typedef {{ name: "connecting" | "open" | "taken" } | { name: "waiting", seconds: number }} State
 *
 * @param {() => URL} url where to, asked each time
 * @param {(message: any) => void} onMessage
 * @param {(state: State) => void} onState
 * @returns {{ send(message: object): void, retry(): void }} `send` while it is open, `retry` to wait no longer
 */
export function connect(url, onMessage, onState) {
  let socket = new WebSocket(url());
  let delay = FIRST_DELAY;
  /** @type {number | undefined} */
  let timer;

  function open() {
    clearTimeout(timer);
    timer = undefined;
    socket = new WebSocket(url());
    listen();
  }

  function listen() {
    onState({ name: "connecting" });
    socket.onopen = () => onState({ name: "open" });
    socket.onmessage = ({ data }) => {
      delay = FIRST_DELAY;
      onMessage(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (code === TAKEN_OVER) return onState({ name: "taken" });
      // Not all at the same moment when a server comes back.
      const until = Date.now() + delay * (0.75 + Math.random() / 2);
      delay = Math.min(delay * 2, LONGEST_DELAY);
      wait(until);
    };
  }

  /** @param {number} until */
  function wait(until) {
    const left = until - Date.now();
    if (left <= 0) return open();
    onState({ name: "waiting", seconds: Math.ceil(left / 1_000) });
    timer = setTimeout(() => wait(until), left % 1_000 || 1_000);
  }

  const retry = () => {
    if (socket.readyState === WebSocket.CLOSED) open();
  };
  const retryIfWaiting = () => {
    if (timer !== undefined) retry();
  };
  addEventListener("online", retryIfWaiting);
  // A page that is left may be kept for the way back, its connection with it, and nobody would know that it was left.
  addEventListener("pagehide", () => socket.close());
  addEventListener("pageshow", retryIfWaiting);
  document.addEventListener("visibilitychange", () => document.hidden || retryIfWaiting());
  listen();

  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    retry,
  };
}
