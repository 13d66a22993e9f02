// @ts-check
/**
 * The page's one connection to its bridge.
 *
 * A stream of events is open for as long as the page is: the bridge takes its end for the page's, and ends what it serves
 * ten seconds later. If the stream breaks, it is opened again at once, a few times; then it is over, and nothing brings it
 * back: the page's key was never kept.
 */
import { pause } from "./dom.js";

/** @typedef {import("/client/index.js").Saltbridge} Saltbridge */
/** @typedef {{event: string} & Record<string, any>} BridgeEvent */

const TRIES = 4;
const BETWEEN_TRIES = 1200;

// After these the bridge takes nothing more from this page, or is not the one that it was paired with.
const FINAL = ["key-unknown", "revoked", "origin-unknown", "not-paired", "wrong-bridge", "stopping"];

export class Connection {
  /** @type {Set<(event: BridgeEvent) => void>} */
  #listeners = new Set();
  #over = new AbortController();
  /** @type {(reason: unknown) => void} */
  #whenOver;

  /**
   * @param {Saltbridge} client  Paired.
   * @param {(reason: unknown) => void} whenOver  Is called once, with what ended it.
   */
  constructor(client, whenOver) {
    this.client = client;
    this.#whenOver = whenOver;
    void this.#listen();
  }

  get isOver() {
    return this.#over.signal.aborted;
  }

  /** @param {(event: BridgeEvent) => void} listener */
  onEvent(listener) {
    this.#listeners.add(listener);
  }

  /**
   * Makes a call, and notices if it shows that all is over.
   * @template T
   * @param {(client: Saltbridge) => Promise<T>} call
   * @returns {Promise<T>}
   */
  async ask(call) {
    try {
      return await call(this.client);
    } catch (error) {
      if (FINAL.includes(codeOf(error))) this.end(error);
      throw error;
    }
  }

  /**
   * Makes a call of the person, whose answer is JSON.
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} target
   * @param {{json?: object, signal?: AbortSignal}} [options]
   * @returns {Promise<any>}
   */
  async askJson(method, target, options) {
    const answer = await this.ask((client) => client.call(method, target, options));
    return "json" in answer ? answer.json : undefined;
  }

  /** @param {unknown} reason */
  end(reason) {
    if (this.isOver) return;
    this.#over.abort();
    this.#whenOver(reason);
  }

  /** @param {BridgeEvent} event */
  #tell(event) {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // A mistake of ours is none of the stream's.
        reportError(error);
      }
    }
  }

  async #listen() {
    let failures = 0;
    /** @type {unknown} */
    let reason;
    while (!this.isOver && failures < TRIES) {
      const begun = performance.now();
      try {
        for await (const event of this.client.events({ signal: this.#over.signal })) {
          this.#tell(event);
        }
        reason = undefined;
      } catch (error) {
        reason = error;
        if (FINAL.includes(codeOf(error))) break;
      }
      failures = performance.now() - begun > 10_000 ? 1 : failures + 1;
      await pause(BETWEEN_TRIES);
    }
    this.end(reason);
  }
}

/** @param {unknown} error @returns {string} */
export function codeOf(error) {
  const { code } = /** @type {{code?: unknown}} */ (error ?? {});
  return typeof code === "string" ? code : "";
}
