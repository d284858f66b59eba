/** The handler of a runtime's own server: what it answers by itself, and what is an upgrade to decide. Knows no runtime. */

import { FAILED } from "../../handshake/refusal.ts";
import type { ListenOptions, UpgradeHandler } from "../../transport/upgrade.ts";
import { Door, type Fallback } from "./door.ts";
import type { NativeUpgrade } from "./native_upgrade.ts";
import { Traffic } from "./traffic.ts";

/** `Info` is what the runtime hands over beside a request, `Nothing` what may be returned beside a response. */
export abstract class NativeHandler<Info, Nothing = never> {
  protected readonly door: Door<Info, Nothing>;
  protected readonly traffic: Traffic = new Traffic();
  readonly #onUpgrade: UpgradeHandler;
  readonly #onError: ListenOptions["onError"];

  /** @param leavesUnclaimed `fallback` gets upgrades to paths that nobody attached too */
  constructor(
    options: ListenOptions,
    onUpgrade: UpgradeHandler,
    fallback: Fallback<Info, Nothing> | undefined,
    leavesUnclaimed: boolean,
  ) {
    this.door = new Door(options, fallback, leavesUnclaimed);
    this.#onUpgrade = onUpgrade;
    this.#onError = options.onError;
  }

  /** Answers a request. Never throws or rejects, which might end the process. */
  handle(request: Request, info: Info): Response | Nothing | Promise<Response | Nothing> {
    try {
      const answer = this.door.answer(request, info);
      if (answer !== undefined) return answer;
      const upgrade = this.upgrade(request, info);
      const decided = this.#onUpgrade(upgrade);
      if (decided !== undefined) this.traffic.decide(decided);
      return upgrade.answer;
    } catch (error) {
      this.#onError(error);
      return this.door.refuse(FAILED);
    }
  }

  /** Answers with 503 from now on. Resolves when every upgrade is decided, and every socket has closed. */
  stop(): Promise<void> {
    this.door.stop();
    return this.traffic.over();
  }

  /** `request`, whose handshake is valid, as something to decide. */
  protected abstract upgrade(request: Request, info: Info): NativeUpgrade<Nothing>;
}
