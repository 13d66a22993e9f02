// One stream of events for all calls of a page that wait at the same time: browsers open six connections to one
// address, and calls that each held one for their events could leave none for what they wait for.

/** @import { BridgeEvent } from "./wire.js" */

export class Listening {
  #open;
  #reportError;
  /** @type {Set<{onEvent: (event: BridgeEvent) => void}>} */
  #listeners = new Set();
  /** @type {{stream: import("./events.js").EventStream, begun: Promise<void>} | null} */
  #current = null;

  /**
   * @param {(begun: () => void) => import("./events.js").EventStream} open
   * @param {(error: unknown) => void} reportError hears what listeners throw
   */
  constructor(open, reportError) {
    this.#open = open;
    this.#reportError = reportError;
  }

  /**
   * @param {(event: BridgeEvent) => void} onEvent
   * @param {AbortSignal} [signal]
   * @returns {Promise<() => void>} what ends it; there once nothing is missed any more, or nothing can be heard
   */
  async join(onEvent, signal) {
    signal?.throwIfAborted();
    const listener = { onEvent };
    this.#listeners.add(listener);
    const leave = () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#close();
    };
    try {
      await unlessAborted(this.#stream().begun, signal);
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  #stream() {
    if (this.#current) return this.#current;
    /** @type {() => void} */
    let begun = () => {};
    const whenBegun = new Promise((/** @type {(_: void) => void} */ resolve) => (begun = resolve));
    const current = { stream: this.#open(begun), begun: whenBegun };
    this.#current = current;
    void this.#hear(current.stream).then(() => {
      if (this.#current === current) this.#current = null;
      begun();
    });
    return current;
  }

  /** @param {import("./events.js").EventStream} stream */
  async #hear(stream) {
    try {
      for await (const event of stream) {
        for (const { onEvent } of [...this.#listeners]) this.#tell(onEvent, event);
      }
    } catch {
      // Calls go on without events. What is in the way of both, the call itself will tell.
    }
  }

  /**
   * @param {(event: BridgeEvent) => void} onEvent
   * @param {BridgeEvent} event
   */
  #tell(onEvent, event) {
    try {
      onEvent(event);
    } catch (error) {
      this.#reportError(error);
    }
  }

  #close() {
    void this.#current?.stream.return();
    this.#current = null;
  }
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>} rejects with the signal's reason
 */
function unlessAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal?.removeEventListener("abort", abort));
  });
}
