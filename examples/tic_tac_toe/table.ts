/**
 * A table for two at which one game after the other is played, while others watch. It knows who sits where, and keeps a
 * seat for a while for who has left it. All that comes from outside is checked here: the page only shows what it is told.
 */

import { setTimeout } from "node:timers";
import {
  bind,
  broadcast,
  type Caller,
  type CloseFrame,
  closeFrame,
  type Returned,
  type Service,
  UpgradeError,
  type UpgradeService,
} from "../../mod.ts";
import { schemaOf } from "../support/schema_of.ts";
import { type Game, isSquare, newGame, other, play, type Sign, whyNot } from "./rules.ts";

const SIGNS: readonly Sign[] = ["X", "O"];

/** The close code for a connection whose seat is used by a newer one. */
const TAKEN_OVER = 4001;

/** What a player does. */
interface Move {
  readonly square: number;
}

const Move = schemaOf("a move", (value): value is Move => isSquare((value as Partial<Move>).square));

/** Free without a token. With one it is somebody's, who is here or away. */
interface Seat {
  /** Whoever says it sits here. Told to nobody else. */
  token?: string | undefined;
  caller?: Caller | undefined;
  /** Until the seat of somebody who is away is free. */
  timer?: NodeJS.Timeout;
}

/** What everybody may know, part of each message. */
interface View extends Game {
  readonly seats: Readonly<Record<Sign, "free" | "here" | "away">>;
  /** Games won. */
  readonly score: Readonly<Record<Sign, number>>;
  /** Who wants to play again. */
  readonly rematch: readonly Sign[];
  /** How many are watching. */
  readonly watching: number;
}

/** How many may be connected at once, players and those who watch. */
const MOST_VISITORS = 100;

/**
 * A table with room for a hundred.
 *
 * @param hold seconds for which the seat is kept of a player who has left
 */
export function tableFor(hold: number): UpgradeService {
  const table = new Table(hold);
  return {
    dispatcherKey: "type",
    maxMessageSize: 256,
    maxBufferedAmount: 65_536,
    // Who left without a word is missed within their sum.
    pingInterval: 10,
    pongTimeout: 5,
    get: () => table.size < MOST_VISITORS ? table : new UpgradeError(503, "There is no room at the table"),
  };
}

/** The service of everybody at the table. A connection's attribute `sign` says which seat is its own. */
class Table implements Service {
  readonly #holdMs: number;
  readonly #seats: Readonly<Record<Sign, Seat>> = { X: {}, O: {} };
  /** Everybody, in the order in which they came. */
  readonly #visitors = new Set<Caller>();
  readonly #rematch = new Set<Sign>();
  #score = { X: 0, O: 0 };
  /** Who begins, in turns. */
  #first: Sign = "X";
  #game: Game = newGame("X");

  constructor(hold: number) {
    this.#holdMs = hold * 1_000;
  }

  /** How many are connected. */
  get size(): number {
    return this.#visitors.size;
  }

  onOpen(caller: Caller): void {
    this.#visitors.add(caller);
    const token = new URL(caller.request.url).searchParams.get("token");
    const own = SIGNS.find((sign) => token !== null && this.#seats[sign].token === token);
    const free = SIGNS.find((sign) => this.#seats[sign].token === undefined);
    if (own !== undefined) this.#comeBack(caller, own);
    else if (free !== undefined) this.#sit(caller, free);
    else this.#watch(caller);
  }

  /** `{"type":"move","square":4}`. */
  readonly onMove = bind(Move, (caller, { square }): Returned => {
    const sign = signOf(caller);
    if (sign === undefined) return refused("Only the two players may play");
    if (this.#seats[other(sign)].token === undefined) return refused("There is no second player yet");
    const reason = whyNot(this.#game, sign, square);
    if (reason !== undefined) return refused(reason);
    this.#game = play(this.#game, sign, square);
    const { next, winner } = this.#game;
    if (winner !== null) this.#score[winner]++;
    this.#tellAll({ type: "move", move: square, player: sign });
    if (next === null) this.#tellAll({ type: "end" });
  });

  /** What is no move. */
  onMoveError(): object {
    return refused("There is no such square");
  }

  /** `{"type":"rematch"}`. */
  onRematch(caller: Caller): Returned {
    const sign = signOf(caller);
    if (sign === undefined) return refused("Only the two players may ask for a rematch");
    if (this.#game.next !== null) return refused("The game is not over");
    this.#rematch.add(sign);
    if (this.#rematch.size < SIGNS.length) {
      this.#tellAll({ type: "rematch", player: sign });
      return;
    }
    this.#first = other(this.#first);
    this.#begin();
    this.#tellAll({ type: "start" });
  }

  /** Whatever leads to none of these. */
  onMessage(): CloseFrame {
    return closeFrame(1003, "That is not a message of this game");
  }

  onClose(caller: Caller): void {
    this.#visitors.delete(caller);
    const sign = signOf(caller);
    if (sign === undefined) {
      this.#tellAll({ type: "watching" });
      return;
    }
    const seat = this.#seats[sign];
    seat.caller = undefined;
    // A program that ends does not wait for it.
    seat.timer = setTimeout(() => this.#free(sign), this.#holdMs).unref();
    this.#tellAll({ type: "playerLeft", player: sign, hold: this.#holdMs / 1_000 });
  }

  /** Somebody new takes a free seat. */
  #sit(caller: Caller, sign: Sign): void {
    const token = crypto.randomUUID();
    const seat = this.#seats[sign];
    seat.token = token;
    this.#seat(caller, sign);
    this.#tell(caller, { type: "start", sign, token });
    this.#tellAll({ type: "playerJoined", player: sign }, caller);
  }

  /** The board is as it was. */
  #comeBack(caller: Caller, sign: Sign): void {
    const seat = this.#seats[sign];
    clearTimeout(seat.timer);
    const before = seat.caller;
    before?.removeAttribute("sign");
    this.#seat(caller, sign);
    // The same player in another window, or on a connection that nobody has missed yet.
    void before?.close(TAKEN_OVER, "You play on another connection");
    this.#tell(caller, { type: "state", sign, token: seat.token });
    this.#tellAll({ type: "playerBack", player: sign }, caller);
  }

  #seat(caller: Caller, sign: Sign): void {
    caller.setAttribute("sign", sign);
    this.#seats[sign].caller = caller;
  }

  #watch(caller: Caller): void {
    const isWaiting = SIGNS.some((sign) => this.#seats[sign].caller === undefined);
    const why = isWaiting ? "A seat is kept for a player who has left" : "Only two players are allowed";
    this.#tell(caller, { type: "watch", sign: null, why });
    this.#tellAll({ type: "watching" }, caller);
  }

  /** Whoever left does not come back: his game is over, and who has watched for longest takes the seat. */
  #free(sign: Sign): void {
    this.#seats[sign].token = undefined;
    this.#score = { X: 0, O: 0 };
    this.#first = "X";
    this.#begin();
    this.#tellAll({ type: "seatFree", player: sign });
    const heir = [...this.#visitors].find((caller) => signOf(caller) === undefined && caller.isOpen());
    if (heir !== undefined) this.#sit(heir, sign);
  }

  #begin(): void {
    this.#rematch.clear();
    this.#game = newGame(this.#first);
  }

  #tell(caller: Caller, event: object): void {
    broadcast([caller], { ...event, ...this.#view() }, { policy: "close" });
  }

  #tellAll(event: object, except?: Caller): void {
    broadcast(this.#visitors, { ...event, ...this.#view() }, { policy: "close", ...(except && { except }) });
  }

  #view(): View {
    const stateOf = ({ token, caller }: Seat) => token === undefined ? "free" : caller === undefined ? "away" : "here";
    const { X, O } = this.#seats;
    return {
      ...this.#game,
      seats: { X: stateOf(X), O: stateOf(O) },
      score: this.#score,
      rematch: [...this.#rematch],
      watching: [...this.#visitors].filter((caller) => signOf(caller) === undefined).length,
    };
  }
}

function signOf(caller: Caller): Sign | undefined {
  return caller.getAttribute("sign") as Sign | undefined;
}

function refused(why: string): object {
  return { type: "refused", why };
}
