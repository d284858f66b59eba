/**
 * The page: shows what the server tells, and tells it what is played. It decides nothing; whoever plays against the
 * rules is refused over there.
 */

import { connect } from "./connection.js";

/**
 * @typedef {"X" | "O"} Sign
 * @typedef {object} View
 * @property {(Sign | null)[]} squares
 * @property {Sign | null} next
 * @property {Sign | null} winner
 * @property {number[] | null} line
 * @property {Record<Sign, "free" | "here" | "away">} seats
 * @property {Record<Sign, number>} score
 * @property {Sign[]} rematch
 * @property {number} watching
 */

const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
const board = find("#board");
const rematch = /** @type {HTMLButtonElement} */ (find("#rematch"));
const retry = /** @type {HTMLButtonElement} */ (find("#connection button"));

/** What is shown of a connection, and instead of the game while there is none. */
const WORDS = {
  connecting: { connection: "Connecting…", headline: "One moment", news: "" },
  open: { connection: "Connected", headline: "One moment", news: "" },
  taken: { connection: "Not here", headline: "You play in another window", news: "Or play on here, instead of there." },
  waiting: { connection: "Offline", headline: "No connection", news: "The page tries again by itself." },
};

/** What was told last. @type {View | undefined} */
let view;
/** Who we are: a player, or somebody who watches. @type {Sign | null} */
let me = null;
/** Of the connection. @type {import("./connection.js").State["name"]} */
let state = "connecting";
/** What the words are about: while it is tried again, still the loss, so that nobody hears of each attempt. */
let told = state;
/** What happened last, as sentences. */
let news = "";

const squares = Array.from({ length: 9 }, (_, square) => {
  if (square % 3 === 0) board.append(element("div", { role: "row" }));
  const cell = element("div", { role: "gridcell" });
  const button = element("button", { type: "button", tabindex: square === 4 ? "0" : "-1" });
  button.addEventListener("click", () => play(square));
  cell.append(button);
  board.lastElementChild?.append(cell);
  return button;
});

const connection = connect(address, hear, showConnection);

function address() {
  const url = new URL("ws/game", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const token = ofTab(() => sessionStorage.getItem("token"));
  if (token) url.searchParams.set("token", token);
  return url;
}

/** The tab's own memory, which a browser may forbid: then a seat is lost with its connection. */
function ofTab(/** @type {() => string | null | void} */ use) {
  try {
    return use();
  } catch {
    return null;
  }
}

function hear(/** @type {any} */ message) {
  if (message.type === "refused") {
    news = `${message.why}.`;
  } else {
    if (message.token !== undefined) ofTab(() => sessionStorage.setItem("token", message.token));
    if (message.sign !== undefined) me = message.sign;
    view = message;
    news = tell(message);
  }
  show();
}

/** What happened, in a sentence. */
function tell(/** @type {any} */ { type, player, move, hold, why, sign }) {
  switch (type) {
    case "start":
      return sign ? `You play ${sign}.` : "A new game.";
    case "state":
      return "You are back at your seat.";
    case "watch":
      return `${why}: you watch.`;
    case "move":
      return player === me ? "" : `${player} played ${placeOf(move)}.`;
    case "playerJoined":
      return `${player} has sat down.`;
    case "playerLeft":
      return `${player} left. The seat is kept for ${hold} ${hold === 1 ? "second" : "seconds"}.`;
    case "playerBack":
      return `${player} is back.`;
    case "seatFree":
      return `${player} did not come back.`;
    case "rematch":
      return player === me ? "" : `${player} wants to play again.`;
    default:
      return news;
  }
}

function show() {
  const headline = headlineOf();
  setText(find("#status strong"), headline);
  setText(find("#status span"), state === "open" ? news : WORDS[told].news);
  document.title = `${headline} – Tic-tac-toe`;
  if (view === undefined) return;
  const { line, next, seats, score, watching } = view;
  const mayPlay = state === "open" && isMyTurn();
  document.body.dataset["me"] = me ?? "";
  board.classList.toggle("mine", mayPlay);
  for (const [square, button] of squares.entries()) showSquare(button, square, mayPlay);

  for (const sign of /** @type {Sign[]} */ (["X", "O"])) {
    const card = find(`#players [data-sign=${sign}]`);
    card.dataset["seat"] = seats[sign];
    card.classList.toggle("next", next === sign && isPlaying());
    card.classList.toggle("winner", view.winner === sign);
    find(`[data-sign=${sign}] b`).textContent = sign === me ? "You" : me === null ? "Player" : "Rival";
    find(`[data-sign=${sign}] small`).textContent = { free: "not here", here: "", away: "away" }[seats[sign]];
    find(`[data-sign=${sign}] .score :last-child`).textContent = `${score[sign]}`;
  }

  showRematch();
  find("#invitation").hidden = me === null || (seats.X !== "free" && seats.O !== "free");
  setText(find("#watching"), watchersOf(watching));
  board.classList.toggle("over", line !== null);
}

function showSquare(
  /** @type {HTMLButtonElement} */ button,
  /** @type {number} */ square,
  /** @type {boolean} */ mayPlay,
) {
  const sign = view?.squares[square] ?? null;
  button.setAttribute("aria-label", `${placeOf(square)}: ${sign ?? "empty"}`);
  button.setAttribute("aria-disabled", `${!mayPlay || sign !== null}`);
  button.classList.toggle("won", view?.line?.includes(square) ?? false);
  // An empty one shows what would stand there.
  const drawn = sign ?? me;
  if (button.dataset["sign"] !== (sign ?? "") || button.dataset["drawn"] !== (drawn ?? "")) {
    button.dataset["sign"] = sign ?? "";
    button.dataset["drawn"] = drawn ?? "";
    button.replaceChildren(...(drawn === null ? [] : [picture(drawn)]));
  }
}

function showRematch() {
  if (view === undefined) return;
  const isOver = me !== null && view.next === null;
  const asked = me !== null && view.rematch.includes(me);
  // The focus does not fall into nothing with the button.
  if (!isOver && document.activeElement === rematch) focusOn(4);
  rematch.hidden = !isOver;
  rematch.disabled = state !== "open";
  rematch.setAttribute("aria-disabled", `${asked}`);
  rematch.textContent = asked ? "Waiting for your rival" : view.rematch.length > 0 ? "Play again, too" : "Play again";
}

function headlineOf() {
  if (state !== "open" || view === undefined) return WORDS[told].headline;
  const { next, winner } = view;
  if (winner !== null) return winner === me ? "You win!" : me === null ? `${winner} wins` : "You lose";
  if (next === null) return "A draw";
  if (!isPlaying()) return me === null ? "Waiting for a player" : "Waiting for a rival";
  return next === me ? "Your turn" : me === null ? `${next}’s turn` : "Rival’s turn";
}

function showConnection(/** @type {import("./connection.js").State} */ now) {
  state = now.name;
  if (state !== "connecting" || told !== "waiting") told = state;
  document.body.classList.toggle("offline", state !== "open");
  find("#connection").dataset["state"] = state;
  setText(find("#connection span"), WORDS[state].connection);
  // Only to be seen: nobody wants to hear a clock.
  find("#connection small").textContent = now.name === "waiting" ? `Again in ${now.seconds} s` : "";
  retry.hidden = state === "open" || state === "connecting";
  retry.textContent = state === "taken" ? "Play here" : "Retry";
  show();
}

function watchersOf(/** @type {number} */ count) {
  if (me === null) {
    return `${
      count > 1 ? `You and ${count - 1} more` : "You"
    } are watching: both seats are taken. The next one that is ` +
      "free goes to who has watched for longest.";
  }
  return count === 0 ? "" : count === 1 ? "1 is watching" : `${count} are watching`;
}

function isPlaying() {
  return view !== undefined && view.seats.X !== "free" && view.seats.O !== "free" && view.next !== null;
}

function isMyTurn() {
  return isPlaying() && view?.next === me;
}

function play(/** @type {number} */ square) {
  focusOn(square, false);
  if (isMyTurn() && view?.squares[square] === null) connection.send({ type: "move", square });
}

/** One square at a time is in the order of the Tab key; the arrows go from one to the next. */
function focusOn(/** @type {number} */ square, isFocused = true) {
  for (const [i, button] of squares.entries()) button.tabIndex = i === square ? 0 : -1;
  if (isFocused) squares[square]?.focus();
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

board.addEventListener("keydown", (event) => {
  const from = squares.indexOf(/** @type {HTMLButtonElement} */ (event.target));
  const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
  if (step === undefined || from === -1) return;
  event.preventDefault();
  const [down = 0, right = 0] = step;
  focusOn((Math.floor(from / 3) + down + 3) % 3 * 3 + (from + right + 3) % 3);
});

addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey } = event;
  if (!/^[1-9]$/.test(key) || ctrlKey || metaKey || altKey) return;
  focusOn(Number(key) - 1);
  play(Number(key) - 1);
});

rematch.addEventListener("click", () => connection.send({ type: "rematch" }));
retry.addEventListener("click", () => connection.retry());

function placeOf(/** @type {number} */ square) {
  return `row ${Math.floor(square / 3) + 1}, column ${square % 3 + 1}`;
}

function picture(/** @type {Sign} */ sign) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `sign ${sign}`);
  svg.setAttribute("aria-hidden", "true");
  // A copy, not a <use>: the strokes of a copy can be drawn one by one.
  const symbol = /** @type {SVGSymbolElement} */ (document.querySelector(`symbol#${sign}`));
  svg.setAttribute("viewBox", symbol.getAttribute("viewBox") ?? "");
  svg.append(...[...symbol.children].map((child) => child.cloneNode()));
  return svg;
}

/** What did not change is not read out again. */
function setText(/** @type {HTMLElement} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string>} attributes
 */
function element(name, attributes) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
