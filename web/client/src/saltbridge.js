// The client's public face. Each call reads the pairing anew, so that what another tab did is seen; sends a verified
// `GET /v1/status` before it sends a body, so that a program which took the port receives none; and gives out nothing
// that the paired bridge has not signed.

import { checkedAddress, checkedBlob, checkedJson, checkTarget, encoded } from "./checks.js";
import { bytesBody, Channel, jsonBody } from "./channel.js";
import { diagnose } from "./diagnose.js";
import { Direct } from "./direct.js";
import { ownError, SaltbridgeError } from "./errors.js";
import { eventStream } from "./events.js";
import { Handoff } from "./handoff.js";
import { IndexedDbKeys } from "./keys.js";
import { Listening } from "./listening.js";
import { pair } from "./pairing.js";
import { platformWith } from "./platform.js";

/** @import { BridgeEvent, CreatedKeys, Status, Unwrapped, UnwrapRequest, CreateRequest, Result } from "./wire.js" */

/**
 * @typedef {object} Options
 * @property {AbortSignal} [signal] ends the call, at the bridge, too; the promise rejects with the signal's reason
 *
 * @typedef {object} WatchedOptions
 * @property {AbortSignal} [signal] ends the call, at the bridge, too; the promise rejects with the signal's reason
 * @property {(event: BridgeEvent) => void} [onEvent] hears what happens while the call waits, and nothing after it
 */

const STATUS = { method: "GET", target: "/v1/status", body: null };
const EVENTS = { method: "GET", target: "/v1/events", body: null, isStream: true };
const DEFAULT_ADDRESS = "http://127.0.0.1:21730";
/** A sealed box is longer than what is in it by so many bytes. */
const BOX_OVERHEAD = 48;

/** A bridge, as one page sees it. */
export class Saltbridge {
  #address;
  #keys;
  #platform;
  #direct;
  #channel;
  #listening;
  /** @type {Handoff | null} */
  #handoff = null;
  /** @type {Promise<void> | null} */
  #opening = null;

  /**
   * @param {object} [options]
   * @param {string} [options.address] `http://127.0.0.1:` and a port; that of `saltbridge serve` if it is not given
   * @param {import("./keys.js").Keys} [options.keys] where the pairing is kept; in IndexedDB if it is not given
   * @param {Partial<import("./platform.js").Platform>} [platform] what is not to be taken from the browser, for tests
   * @throws {SaltbridgeError} `bad-address`
   */
  constructor({ address = DEFAULT_ADDRESS, keys } = {}, platform = {}) {
    this.#address = checkedAddress(address);
    this.#platform = platformWith(platform);
    this.#keys = keys ?? new IndexedDbKeys({}, this.#platform);
    this.#direct = new Direct(this.#address, this.#platform);
    this.#channel = new Channel(this.#address, this.#platform, () => this.#way());
    this.#listening = this.#newListening();
  }

  /** The bridge's address. @type {string} */
  get address() {
    return this.#address;
  }

  /**
   * Whether this browser keeps a pairing with this address. It says nothing of the bridge.
   *
   * @returns {Promise<boolean>}
   * @throws {SaltbridgeError} `no-storage`
   */
  async isPaired() {
    return (await this.#keys.load(this.#address)) !== null;
  }

  /**
   * Pairs this browser with the bridge. The key pair is made here. An earlier pairing is replaced once the bridge has
   * proved that it knows the code, and not before.
   *
   * @param {string} code what `saltbridge pair` shows
   * @param {Options} [options]
   * @returns {Promise<{scopes: string[]}>} what the person granted
   * @throws {SaltbridgeError} `bad-code`, `wrong-code`, `not-invited`, `wrong-bridge`, `clock`, `no-storage`,
   *   `unreachable`, and other refusals
   */
  async pair(code, { signal } = {}) {
    this.#mustBeSupported();
    if (this.#platform.origin === "null") throw ownError("unsupported");
    // Where nothing can be kept, no code is to be used up.
    await this.#keys.load(this.#address);
    const bridge = { address: this.#address, platform: this.#platform, channel: this.#channel };
    const record = await pair(bridge, code, signal);
    await this.#keys.save(record);
    this.#listening = this.#newListening(); // The old one hears what is told to the old key.
    return { scopes: [...record.scopes] };
  }

  /**
   * Forgets the pairing in this browser. The bridge forgets it with `saltbridge pairings revoke`.
   *
   * @throws {SaltbridgeError} `no-storage`
   */
  async unpair() {
    await this.#keys.remove(this.#address);
  }

  /**
   * What the bridge and the device are doing.
   *
   * @param {Options} [options]
   * @returns {Promise<Status>}
   */
  async status({ signal } = {}) {
    return jsonOf(await this.#send("GET", "/v1/status", {}, signal));
  }

  /**
   * What happens at the device, and what the person has to compare. The stream is opened by the first step of the
   * iteration, and closed by its end: by `break`, too.
   *
   * @param {Options} [options]
   * @returns {AsyncIterableIterator<BridgeEvent, void, void>} ends when the bridge ends the stream
   * @throws {SaltbridgeError} in the first step, if the stream cannot begin
   */
  events({ signal } = {}) {
    return this.#events(signal);
  }

  /**
   * Makes a key pair under the device's account; the person approves twice.
   *
   * @param {CreateRequest} [request]
   * @param {WatchedOptions} [options]
   * @returns {Promise<CreatedKeys>}
   */
  async createKeys({ address, path } = {}, { signal, onEvent } = {}) {
    return this.#watched(onEvent, signal, async () =>
      jsonOf(await this.#send("POST", "/v1/keys", { json: { address, path } }, signal)),
    );
  }

  /**
   * Opens an envelope; the person approves once, or not at all if this page holds its key already.
   *
   * @param {UnwrapRequest} request
   * @param {WatchedOptions} [options]
   * @returns {Promise<Unwrapped>}
   */
  async unwrap({ envelope, public_key, address, path, for: purpose }, { signal, onEvent } = {}) {
    const json = { envelope, public_key, address, path, for: purpose };
    return this.#watched(onEvent, signal, async () =>
      jsonOf(await this.#send("POST", "/v1/unwrap", { json }, signal)),
    );
  }

  /**
   * Opens a sealed box.
   *
   * @param {string} handle of {@link unwrap}
   * @param {Blob} box
   * @param {Options} [options]
   * @returns {Promise<Blob>} the plaintext: whole, and verified by the bridge
   * @throws {SaltbridgeError} `no-such-key`, `box-does-not-open`, `cut-short`, and others
   */
  async decrypt(handle, box, { signal } = {}) {
    const target = `/v1/keys/${encoded(handle)}/decrypt`;
    const blob = checkedBlob(box);
    return bytesOf(await this.#send("POST", target, { blob }, signal), blob.size - BOX_OVERHEAD);
  }

  /**
   * Seals a file.
   *
   * @param {string} public_key the recipient's, 44 characters of base64
   * @param {Blob} plaintext
   * @param {Options} [options]
   * @returns {Promise<Blob>} the sealed box, 48 bytes longer
   */
  async encrypt(public_key, plaintext, { signal } = {}) {
    const target = `/v1/encrypt?public_key=${encoded(public_key)}`;
    const blob = checkedBlob(plaintext);
    return bytesOf(await this.#send("POST", target, { blob }, signal), blob.size + BOX_OVERHEAD);
  }

  /**
   * Gives the private key away, if that was granted; the person approves it on the device.
   *
   * @param {string} handle of {@link unwrap}
   * @param {WatchedOptions} [options]
   * @returns {Promise<Blob>} the text of `numerbay.json`, not encrypted
   */
  async export(handle, { signal, onEvent } = {}) {
    return this.#watched(onEvent, signal, async () => {
      const { json, blob } = await this.#send("POST", `/v1/keys/${encoded(handle)}/export`, { json: {} }, signal);
      if (json === undefined || !blob) throw ownError("bad-answer");
      return blob;
    });
  }

  /**
   * Has the bridge forget one key.
   *
   * @param {string} handle
   * @param {Options} [options]
   */
  async forget(handle, { signal } = {}) {
    await this.#send("DELETE", `/v1/keys/${encoded(handle)}`, {}, signal);
  }

  /**
   * Has the bridge forget all keys of this page.
   *
   * @param {Options} [options]
   */
  async lock({ signal } = {}) {
    await this.#send("DELETE", "/v1/keys", {}, signal);
  }

  /**
   * Any call of the interface, signed, its answer verified.
   *
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} target path and query, percent-encoded, from `/v1/` on
   * @param {{json?: object, blob?: Blob, signal?: AbortSignal}} [options] the body is one of the two, or none
   * @returns {Promise<Result>}
   */
  async call(method, target, { json, blob, signal } = {}) {
    if (json !== undefined && blob !== undefined) throw new TypeError("a call has one body: json or blob");
    const content = { ...(json === undefined ? {} : { json }), ...(blob === undefined ? {} : { blob }) };
    const answer = await this.#send(method, target, content, signal);
    if (answer.json !== undefined) return { status: answer.status, json: answer.json };
    return answer.blob ? { status: answer.status, blob: answer.blob } : { status: answer.status };
  }

  /**
   * What stands between this page and the bridge. It never makes the browser ask the person, and rejects for no state.
   *
   * @param {Options} [options]
   * @returns {Promise<import("./diagnose.js").Diagnosis>}
   */
  diagnose({ signal } = {}) {
    const subject = {
      address: this.#address,
      platform: this.#platform,
      keys: this.#keys,
      direct: this.#direct,
      handoff: this.handoff,
      status: (/** @type {AbortSignal} */ deadline) => this.status({ signal: deadline }),
    };
    return diagnose(subject, signal);
  }

  /**
   * Opens the bridge's window, through which all calls go from then on. To be called inside a click.
   *
   * @param {Options} [options]
   * @returns {Promise<void>} when the window is ready
   * @throws {SaltbridgeError} `handoff-blocked`, `handoff-no-answer`, `handoff-closed`
   */
  openHandoff({ signal } = {}) {
    this.#way();
    if (this.#handoff && this.#opening) {
      this.#handoff.focus();
      return this.#opening;
    }
    this.#handoff = new Handoff(this.#address, this.#platform);
    this.#opening = this.#handoff.open(signal);
    return this.#opening;
  }

  /** Closes the window. Calls that wait end with `handoff-closed`; the next ones go directly. */
  closeHandoff() {
    this.#handoff?.close();
    this.#handoff = null;
    this.#opening = null;
  }

  /** Whether calls go through the bridge's window. @type {boolean} */
  get handoff() {
    return this.#handoff?.isOpen ?? false;
  }

  /** @returns {import("./direct.js").Transport} */
  #way() {
    if (this.#handoff?.isOpen) return this.#handoff;
    if (this.#handoff && !this.#handoff.isOpening) this.closeHandoff();
    return this.#direct;
  }

  #mustBeSupported() {
    if (!this.#platform.crypto?.subtle) throw ownError("unsupported");
  }

  /**
   * A call with a body, of which nothing is sent before the bridge has shown that it is there.
   *
   * @param {string} method
   * @param {string} target
   * @param {{json?: object, blob?: Blob}} content the body is one of the two, or none
   * @param {AbortSignal} [signal]
   */
  async #send(method, target, { json, blob }, signal) {
    checkTarget(this.#address, method, target);
    const hasBody = json !== undefined || blob !== undefined;
    if (hasBody && method !== "POST") throw new TypeError(`${method} has no body`);
    if (blob !== undefined) checkedBlob(blob);
    else if (hasBody) checkedJson(json);
    const pairing = await this.#pairing(signal);
    if (!hasBody) return this.#channel.call(pairing, { method, target, body: null }, signal);
    const body = blob ? bytesBody(blob) : await jsonBody(this.#platform.crypto.subtle, checkedJson(json));
    jsonOf(await this.#channel.call(pairing, STATUS, signal));
    return this.#channel.call(pairing, { method, target, body }, signal);
  }

  /** @param {AbortSignal} [signal] */
  async #pairing(signal) {
    signal?.throwIfAborted();
    this.#mustBeSupported();
    const pairing = await this.#keys.load(this.#address);
    if (!pairing) throw ownError("not-paired");
    return pairing;
  }

  /**
   * @param {AbortSignal} [signal]
   * @param {() => void} [begun]
   */
  #events(signal, begun) {
    const open = async (/** @type {AbortSignal} */ connection) => {
      const pairing = await this.#pairing(connection);
      return /** @type {import("./events.js").Texts} */ ((await this.#channel.call(pairing, EVENTS, connection)).texts);
    };
    return eventStream(open, signal, begun);
  }

  #newListening() {
    return new Listening((begun) => this.#events(undefined, begun), this.#platform.reportError);
  }

  /**
   * @template T
   * @param {((event: BridgeEvent) => void) | undefined} onEvent
   * @param {AbortSignal | undefined} signal
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #watched(onEvent, signal, work) {
    if (!onEvent) return work();
    const leave = await this.#listening.join(onEvent, signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }
}

/**
 * @param {import("./channel.js").Answer} answer
 * @returns {any} the object
 */
function jsonOf({ json }) {
  if (json === undefined) throw ownError("bad-answer");
  return json;
}

/**
 * @param {import("./channel.js").Answer} answer
 * @param {number} size in bytes
 * @returns {Blob} the body
 */
function bytesOf({ blob, json }, size) {
  if (!blob || json !== undefined) throw ownError("bad-answer");
  if (blob.size !== size) throw ownError("cut-short");
  return blob;
}
