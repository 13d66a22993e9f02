// The stream of events: server-sent events, one JSON object each, read from `fetch`. Text may be split anywhere.

import { ownError } from "./errors.js";

/** @import { BridgeEvent } from "./wire.js" */

/** Longer than any event, in UTF-16 units: a stream that never ends its line must not fill the memory. */
const LONGEST = 1 << 20;

/** Reads text as it comes. */
export class EventReader {
  #rest = "";
  /** @type {string[]} */
  #data = [];
  #length = 0;
  #begun;

  /** @param {() => void} [begun] called when the stream has begun: from then on nothing is missed */
  constructor(begun = () => {}) {
    this.#begun = begun;
  }

  /**
   * @param {string} text the next piece
   * @returns {BridgeEvent[]} the events that it completed
   * @throws {import("./errors.js").SaltbridgeError} `bad-answer`
   */
  push(text) {
    // A CR at the end of a piece may be the first half of a line's end.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    const events = lines.flatMap((line) => this.#line(line));
    if (this.#rest.length + this.#length > LONGEST) throw ownError("bad-answer");
    return events;
  }

  /**
   * @param {string} line
   * @returns {BridgeEvent[]}
   */
  #line(line) {
    if (line === "") {
      const data = this.#data.splice(0).join("\n");
      this.#length = 0;
      return data === "" ? [] : [event(data)];
    }
    if (line === ": events") this.#begun();
    if (line.startsWith("data:")) {
      this.#data.push(line.slice(line[5] === " " ? 6 : 5));
      this.#length += line.length;
    }
    return [];
  }
}

/**
 * @param {string} data
 * @returns {BridgeEvent}
 */
function event(data) {
  let read;
  try {
    read = JSON.parse(data);
  } catch (cause) {
    throw ownError("bad-answer", { cause });
  }
  if (typeof read?.event !== "string") throw ownError("bad-answer");
  return read;
}

/**
 * @typedef {AsyncIterator<string, void, void>} Texts
 *
 * @typedef {AsyncIterableIterator<BridgeEvent, void, void> & {return: () => Promise<IteratorResult<BridgeEvent, void>>}} EventStream
 *   `return` closes the connection at once, even while `next` waits
 */

/**
 * Begins with the first `next`, and rejects there if it cannot; ends when the bridge or the connection does.
 *
 * @param {(signal: AbortSignal) => Promise<Texts>} open
 * @param {AbortSignal} [signal] rejects what waits, with its reason
 * @param {() => void} [begun] called when the stream has begun
 * @returns {EventStream}
 */
export function eventStream(open, signal, begun) {
  const connection = new AbortController();
  let closed = false;
  const abort = () => connection.abort(signal?.reason);

  /** @returns {AsyncGenerator<BridgeEvent, void, void>} */
  async function* read() {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", abort, { once: true });
    /** @type {Texts | undefined} */
    let texts;
    try {
      texts = await open(connection.signal);
      const reader = new EventReader(begun);
      for (;;) {
        const { value, done } = await texts.next();
        if (done) return;
        yield* reader.push(value);
      }
    } catch (error) {
      if (!closed) throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
      connection.abort();
      await texts?.return?.();
    }
  }

  const events = read();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => events.next(),
    return() {
      closed = true;
      connection.abort();
      return events.return();
    },
  };
}
