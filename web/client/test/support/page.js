// A page for tests: the client on a platform without a browser. Seconds pass where the client waits for them; longer
// times only if a test lets them.

import { MemoryKeys, Saltbridge } from "../../src/index.js";
import { ADDRESS, FakeBridge, ORIGIN } from "./bridge.js";

/** A clock that is put forward by those who wait. */
export class Clock {
  milliseconds = 1_800_000_000_250;
  waiting = new Set();
  /** Whether who waits has to be let go by `pass`. */
  stopped = false;

  now = () => this.milliseconds;

  setTimeout = (work, milliseconds) => {
    const timer = { work, at: this.milliseconds + milliseconds };
    this.waiting.add(timer);
    if (!this.stopped && milliseconds <= 1000) setImmediate(() => this.#fire(timer));
    return timer;
  };

  clearTimeout = (timer) => void this.waiting.delete(timer);

  /** Lets everything fire that is due within so many milliseconds. */
  pass(milliseconds) {
    const until = this.milliseconds + milliseconds;
    for (;;) {
      const [next] = [...this.waiting].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#fire(next);
    }
    this.milliseconds = until;
  }

  #fire(timer) {
    if (!this.waiting.delete(timer)) return;
    this.milliseconds = Math.max(this.milliseconds, timer.at);
    timer.work();
  }
}

/** A target of events that tells how many listen. */
export class CountedTarget extends EventTarget {
  #listening = new Set();

  get listeners() {
    return this.#listening.size;
  }

  addEventListener(type, listener) {
    this.#listening.add(listener);
    super.addEventListener(type, listener);
  }

  removeEventListener(type, listener) {
    this.#listening.delete(listener);
    super.removeEventListener(type, listener);
  }
}

export function page({ bridge = new FakeBridge(), keys = new MemoryKeys(), clock = new Clock(), ...more } = {}) {
  const platform = {
    fetch: bridge.fetch,
    origin: ORIGIN,
    permissions: undefined,
    document: undefined,
    indexedDB: undefined,
    now: clock.now,
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
    ...more,
  };
  return { bridge, keys, clock, platform, client: new Saltbridge({ address: ADDRESS, keys }, platform) };
}

/** A page that is paired, and whose bridge has forgotten how that came about. */
export async function pairedPage(options = {}) {
  const all = page(options);
  await all.client.pair(all.bridge.code);
  all.bridge.requests.length = 0;
  return all;
}

/** Lets everything happen that needs no time, so that what must not happen had its chance. */
export function settled() {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

/** Waits for what must happen; for a minute at most. */
export async function until(condition) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`it did not come to pass: ${condition}`);
}
