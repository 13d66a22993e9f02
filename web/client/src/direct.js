// Requests by `fetch`, from the page itself. Bodies are Blobs in both directions, which browsers keep out of memory;
// aborting closes the connection, and with it ends the call at the bridge.

import { ownError } from "./errors.js";

/**
 * @typedef {object} Sent
 * @property {string} method
 * @property {string} target path and query
 * @property {Record<string, string>} headers
 * @property {Blob | null} body
 */

/**
 * An answer whose head has arrived. Of the body one thing is to be taken, and once.
 *
 * @typedef {object} Received
 * @property {number} status
 * @property {(name: string) => string | null} header by its name in lower case
 * @property {() => Promise<Blob>} blob the whole body; rejects with `cut-short`
 * @property {() => AsyncIterator<string, void, void>} texts the body as it comes, in pieces of text; ends where the
 *   connection does
 * @property {() => void} discard closes the connection: nothing of the body is wanted
 */

/**
 * @typedef {object} Transport
 * @property {(sent: Sent, signal?: AbortSignal) => Promise<Received>} send rejects with `unreachable`, `not-readable`,
 *   `handoff-closed`, or the signal's reason
 */

/** Always the same: nothing of the browser's own goes along, nothing is kept, and nobody else is asked. */
/** @type {RequestInit} */
const NOTHING_ELSE = { credentials: "omit", redirect: "error", cache: "no-store", referrerPolicy: "no-referrer" };

/** A {@link Transport}. */
export class Direct {
  #address;
  #platform;

  /**
   * @param {string} address
   * @param {import("./platform.js").Platform} platform
   */
  constructor(address, platform) {
    this.#address = address;
    this.#platform = platform;
  }

  /**
   * @param {Sent} sent
   * @param {AbortSignal} [signal]
   * @returns {Promise<Received>}
   */
  async send({ method, target, headers, body }, signal) {
    let response;
    try {
      response = await this.#platform.fetch(this.#address + target, {
        ...NOTHING_ELSE,
        mode: "cors",
        method,
        headers,
        body,
        signal,
      });
    } catch (cause) {
      signal?.throwIfAborted();
      await mustBeReadable(body);
      throw ownError("unreachable", { cause });
    }
    return received(response, signal);
  }

  /**
   * Whether anything at all answers there. Its answer cannot be read, and is not needed.
   *
   * @param {AbortSignal} [signal]
   * @returns {Promise<boolean>}
   */
  async knock(signal) {
    try {
      // No browser follows anything but `follow` in this mode.
      const init = /** @type {RequestInit} */ ({ ...NOTHING_ELSE, mode: "no-cors", redirect: "follow", signal });
      const response = await this.#platform.fetch(`${this.#address}/v1/status`, init);
      void response.body?.cancel().catch(() => {});
      return true;
    } catch {
      signal?.throwIfAborted();
      return false;
    }
  }
}

/**
 * `fetch` tells a file that has changed on the disk and a bridge that does not run with the same words.
 *
 * @param {Blob | null} body
 */
export async function mustBeReadable(body) {
  if (!body || body.size === 0) return;
  try {
    await body.slice(0, 1).text();
  } catch (cause) {
    throw ownError("not-readable", { cause });
  }
}

/**
 * @param {Response} response
 * @param {AbortSignal} [signal]
 * @returns {Received}
 */
function received(response, signal) {
  return {
    status: response.status,
    header: (name) => response.headers.get(name),
    async blob() {
      try {
        return await response.blob();
      } catch (cause) {
        signal?.throwIfAborted();
        throw ownError("cut-short", { cause });
      }
    },
    texts: () => texts(response, signal),
    discard: () => void response.body?.cancel().catch(() => {}),
  };
}

/**
 * @param {Response} response
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<string, void, void>}
 */
async function* texts(response, signal) {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
      signal?.throwIfAborted();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
