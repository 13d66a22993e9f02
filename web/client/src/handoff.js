// Requests through a window that shows the bridge's own page `/handoff`, for browsers that let no page reach this
// computer by `fetch`. The window signs nothing and knows no key: it passes on what the channel signed, and what the
// bridge answered is verified here. Only messages of that window, from the bridge's origin, are heard; what is said to
// it is said to that origin alone.

import { mustBeReadable } from "./direct.js";
import { ownError, unsignedRefusal } from "./errors.js";
import { essenceOf } from "./protocol.js";

const FEATURES = "popup,width=460,height=360";
/** How long the window may take to show that it is there, in milliseconds. */
const READY_WITHIN = 20_000;
/** How often it is looked whether the window was closed, while somebody waits: nothing tells. */
const LOOK_EVERY = 1_000;

/** @import { Received, Sent } from "./direct.js" */

/** A {@link import("./direct.js").Transport}. */
export class Handoff {
  #address;
  #platform;
  /** @type {Window | null} */
  #window = null;
  #isReady = false;
  /** @type {((error: unknown) => void) | null} while it opens: null is success */
  #opened = null;
  /** @type {Map<number, PassedCall>} */
  #calls = new Map();
  #lastId = 0;
  /** @type {any} */
  #look = null;

  /**
   * @param {string} address
   * @param {import("./platform.js").Platform} platform
   */
  constructor(address, platform) {
    this.#address = address;
    this.#platform = platform;
  }

  /** Whether the window is there and has said so. */
  get isOpen() {
    return this.#isReady && this.#window !== null && !this.#window.closed;
  }

  /** Whether it may still become so. */
  get isOpening() {
    return this.#opened !== null;
  }

  /** Shows the window again. */
  focus() {
    this.#window?.focus();
  }

  /**
   * Opens the window at once, so that the browser counts it to the click in which this is called. Once.
   *
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>} when it is ready
   * @throws {import("./errors.js").SaltbridgeError} `handoff-blocked`, `handoff-no-answer`, `handoff-closed`,
   *   `unsupported`
   */
  open(signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const { crypto, open, window } = this.#platform;
      if (!open || !window) return reject(ownError("unsupported"));

      const late = this.#platform.setTimeout(() => this.#opened?.(ownError("handoff-no-answer")), READY_WITHIN);
      const abort = () => this.#opened?.(signal?.reason);
      this.#opened = (error) => {
        this.#opened = null;
        this.#platform.clearTimeout(late);
        signal?.removeEventListener("abort", abort);
        if (error === null) return resolve();
        this.close();
        reject(error);
      };
      signal?.addEventListener("abort", abort, { once: true });
      window.addEventListener("message", this.#hear);
      // A page that goes leaves nothing behind that would have the device ask.
      window.addEventListener("pagehide", this.#leave);
      // Never what another program, which had the port before, told the browser to keep.
      this.#window = open(`${this.#address}/handoff?${crypto.randomUUID()}`, "_blank", FEATURES);
      if (this.#window) this.#watch();
      else this.#opened(ownError("handoff-blocked"));
    });
  }

  /** Closes the window; calls that wait end with `handoff-closed`. */
  close() {
    if (this.#opened) return this.#opened(ownError("handoff-closed"));
    this.#platform.window?.removeEventListener("message", this.#hear);
    this.#platform.window?.removeEventListener("pagehide", this.#leave);
    this.#platform.clearTimeout(this.#look);
    this.#look = null;
    this.#window?.close();
    this.#window = null;
    this.#endAll();
  }

  /**
   * @param {Sent} sent
   * @param {AbortSignal} [signal]
   * @returns {Promise<Received>}
   */
  send({ method, target, headers, body }, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!this.isOpen) return reject(ownError("handoff-closed"));
      const id = ++this.#lastId;
      const abort = () => {
        this.#post({ saltbridge: "cancel", id });
        call.fail(signal?.reason, signal?.reason);
      };
      const call = new PassedCall(resolve, reject, body, () => {
        this.#calls.delete(id);
        signal?.removeEventListener("abort", abort);
      });
      call.cancel = () => {
        this.#post({ saltbridge: "cancel", id });
        call.end();
      };
      this.#calls.set(id, call);
      signal?.addEventListener("abort", abort, { once: true });
      this.#post({ saltbridge: "request", id, method, target, headers, body });
      this.#watch();
    });
  }

  /** @param {object} message */
  #post(message) {
    this.#window?.postMessage(message, this.#address);
  }

  #leave = () => this.close();

  /** @param {Event} event */
  #hear = (event) => {
    const { source, origin, data } = /** @type {MessageEvent} */ (event);
    if (this.#window === null || source !== this.#window || origin !== this.#address) return;
    if (data?.saltbridge === "ready") return this.#ready();
    const call = this.#calls.get(data?.id);
    if (data?.saltbridge === "answer") call?.answer(data);
    else if (data?.saltbridge === "part") call?.part(data.text);
    else if (data?.saltbridge === "end") call?.end();
    else if (data?.saltbridge === "failed") call?.failed(data.refused === true);
  };

  #ready() {
    this.#isReady = true;
    if (this.#opened) this.#opened(null);
    else this.#endAll(); // It was loaded anew, and remembers nothing.
  }

  #endAll() {
    for (const call of [...this.#calls.values()]) call.fail(ownError("handoff-closed"));
  }

  #watch() {
    if (this.#look !== null) return;
    this.#look = this.#platform.setTimeout(() => {
      this.#look = null;
      // To a page that is cut off from its windows each of them reads as closed.
      if (this.#window?.closed) this.#opened ? this.#opened(ownError("handoff-no-answer")) : this.close();
      else if (this.#opened || this.#calls.size > 0) this.#watch();
    }, LOOK_EVERY);
  }
}

/** One call, from its request to the end of its answer. */
class PassedCall {
  #resolve;
  #reject;
  #body;
  #done;
  /** @type {Parts | null} */
  #parts = null;
  /** Tells the window that nobody wants the rest. */
  cancel = () => {};

  /**
   * @param {(received: Received) => void} resolve
   * @param {(error: unknown) => void} reject
   * @param {Blob | null} body of the request
   * @param {() => void} done
   */
  constructor(resolve, reject, body, done) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#body = body;
    this.#done = done;
  }

  /** @param {{status?: unknown, headers?: any, body?: unknown}} message */
  answer({ status, headers, body }) {
    if (this.#parts) return;
    const isAnswer =
      typeof status === "number" && Number.isInteger(status) && status >= 200 && status <= 599 &&
      typeof headers === "object" && headers !== null && (body === null || body instanceof Blob);
    if (!isAnswer) return this.fail(ownError("bad-answer"));
    const header = (/** @type {string} */ name) =>
      Object.hasOwn(headers, name) && typeof headers[name] === "string" ? headers[name] : null;
    if (body === null && essenceOf(header("content-type")) === "text/event-stream") {
      const parts = new Parts(() => this.cancel());
      this.#parts = parts;
      this.#resolve({
        status,
        header,
        blob: async () => new Blob([]),
        texts: () => parts.read(),
        discard: () => this.cancel(),
      });
      return;
    }
    this.#done();
    const blob = body ?? new Blob([]);
    this.#resolve({ status, header, blob: async () => blob, texts: () => textsOf(blob), discard: () => {} });
  }

  /** @param {unknown} text */
  part(text) {
    if (typeof text === "string") this.#parts?.push(text);
  }

  /** The stream has ended. */
  end() {
    if (!this.#parts) return;
    this.#done();
    this.#parts.end();
  }

  /**
   * @param {unknown} error for who waits for the answer
   * @param {unknown} [streamError] for who reads its stream; to him it just ends if there is none
   */
  fail(error, streamError) {
    this.#done();
    this.#parts?.end(streamError);
    this.#reject(error);
  }

  /**
   * @param {boolean} isRefused whether something did answer, but not for this page to read
   */
  failed(isRefused) {
    if (this.#parts) return this.end();
    this.#done();
    if (isRefused) return this.#reject(unsignedRefusal("origin-unknown", null, "call"));
    mustBeReadable(this.#body).then(() => this.#reject(ownError("unreachable")), this.#reject);
  }
}

/** @param {Blob} blob */
async function* textsOf(blob) {
  yield await blob.text();
}

/** Pieces of text that arrive sooner than they are read. */
class Parts {
  /** @type {string[]} */
  #texts = [];
  #ended = false;
  /** @type {unknown} */
  #error = undefined;
  #wake = () => {};
  #cancel;

  /** @param {() => void} cancel */
  constructor(cancel) {
    this.#cancel = cancel;
  }

  /** @param {string} text */
  push(text) {
    if (!this.#ended) this.#texts.push(text);
    this.#wake();
  }

  /** @param {unknown} [error] */
  end(error) {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  /** @returns {AsyncGenerator<string, void, void>} */
  async *read() {
    try {
      for (;;) {
        const text = this.#texts.shift();
        if (text !== undefined) yield text;
        else if (this.#error !== undefined) throw this.#error;
        else if (this.#ended) return;
        else await new Promise((/** @type {(_: void) => void} */ resolve) => (this.#wake = resolve));
      }
    } finally {
      if (!this.#ended) this.#cancel();
    }
  }
}
