// One call: signed, sent, its answer verified before anything of it is used. A `stale` refusal is answered once, by
// signing anew in a later second; no signature is ever sent twice. There is no deadline: calls wait for people.

import { fromBase64, utf8 } from "./encoding.js";
import { isCode, ownError, SaltbridgeError, signedRefusal, unsignedRefusal } from "./errors.js";
import { delay } from "./platform.js";
import {
  answerFault, contentDigest, digestFault, essenceOf, freshNonce, isJson, KEY, keyId, PUBLIC_KEY_LENGTH, signRequest,
} from "./protocol.js";

/** The longest body that is read of somebody who has not signed, in bytes. */
const LONGEST_UNSIGNED = 1 << 16;

/**
 * @typedef {object} Call
 * @property {string} method
 * @property {string} target
 * @property {Body | null} body
 * @property {boolean} [isStream] whether its answer is the stream of events
 *
 * @typedef {object} Body
 * @property {Blob} blob
 * @property {string} type its `Content-Type`
 * @property {string | null} digest its `Content-Digest`, if it is JSON
 */

/**
 * A verified answer that did what was asked.
 *
 * @typedef {object} Answer
 * @property {number} status 200 or 204
 * @property {any} json the object, if the body is JSON
 * @property {Blob | null} blob the body, JSON or not; null if there is none or it is a stream
 * @property {AsyncIterator<string, void, void> | null} texts the stream of events
 */

/**
 * @param {SubtleCrypto} subtle
 * @param {object} json
 * @returns {Promise<Body>}
 */
export async function jsonBody(subtle, json) {
  const bytes = utf8(JSON.stringify(json));
  const type = "application/json";
  return { blob: new Blob([bytes], { type }), type, digest: await contentDigest(subtle, bytes) };
}

/**
 * @param {Blob} blob
 * @returns {Body}
 */
export function bytesBody(blob) {
  return { blob, type: "application/octet-stream", digest: null };
}

/**
 * @param {SubtleCrypto} subtle
 * @param {unknown} text base64 of 65 bytes
 * @returns {Promise<{key: CryptoKey, keyId: string, bytes: Uint8Array<ArrayBuffer>} | null>} null if it is no key
 */
export async function readPublicKey(subtle, text) {
  const bytes = fromBase64(text, PUBLIC_KEY_LENGTH);
  if (bytes?.[0] !== 4) return null;
  try {
    const key = await subtle.importKey("raw", bytes, KEY, true, ["verify"]);
    return { key, keyId: await keyId(subtle, bytes), bytes };
  } catch {
    return null; // no point of the curve
  }
}

export class Channel {
  #authority;
  #platform;
  #transport;

  /**
   * @param {string} address
   * @param {import("./platform.js").Platform} platform
   * @param {() => import("./direct.js").Transport} transport which way requests go now
   */
  constructor(address, platform, transport) {
    this.#authority = new URL(address).host;
    this.#platform = platform;
    this.#transport = transport;
  }

  /**
   * @param {import("./keys.js").PairingRecord} pairing
   * @param {Call} call
   * @param {AbortSignal} [signal]
   * @returns {Promise<Answer>}
   * @throws {import("./errors.js").SaltbridgeError} the bridge's refusal, `clock`, `wrong-bridge`, `bad-answer`,
   *   `cut-short`, or what the transport rejects with
   */
  async call(pairing, call, signal) {
    const bridge = await readPublicKey(this.#platform.crypto.subtle, pairing.bridge_public_key);
    if (!bridge) throw ownError("not-paired");
    for (let attempt = 1; ; attempt++) {
      const { received, signature } = await this.send(pairing.private_key, pairing.key_id, call, signal);
      const expected = { requestSignature: signature, key: bridge.key, keyId: bridge.keyId };
      const fault = await answerFault(this.#platform.crypto.subtle, received, expected);
      if (fault !== null) throw await unsignedAnswer(received, "call", fault);
      if (received.status === 200 || received.status === 204) {
        return this.#open(received, call.isStream ?? false, signal);
      }

      const { json } = await this.#open(received, false, signal);
      const refusal = signedRefusal(json, received.status);
      if (refusal.code === "stale" && attempt === 1) await this.laterSecond(signal);
      // It was signed for this address. Who passes it on to the bridge at another one gets this, and signed.
      else if (refusal.code === "signature-invalid") throw ownError("wrong-bridge", { status: received.status, cause: refusal });
      else if (refusal.code === "stale") throw ownError("clock", { status: received.status, cause: refusal });
      // What was answered before may have been done: only what changes nothing is asked again.
      else if (refusal.code !== "replayed" || attempt > 1 || call.method !== "GET") throw refusal;
    }
  }

  /**
   * Signs and sends, once.
   *
   * @param {CryptoKey} privateKey
   * @param {string} keyId
   * @param {Call} call
   * @param {AbortSignal} [signal]
   * @returns {Promise<{received: import("./direct.js").Received, signature: string}>} an answer that nobody has
   *   verified yet
   */
  async send(privateKey, keyId, { method, target, body }, signal) {
    const { crypto, now } = this.#platform;
    const { signature, headers } = await signRequest(crypto.subtle, privateKey, {
      method,
      authority: this.#authority,
      target,
      digest: body?.digest ?? null,
      created: Math.floor(now() / 1000),
      nonce: freshNonce(crypto),
      keyId,
    });
    if (body) headers["content-type"] = body.type;
    const received = await this.#transport().send({ method, target, headers, body: body?.blob ?? null }, signal);
    return { received, signature };
  }

  /**
   * Until the next second has begun: the bridge takes nothing that was signed in the second in which it started.
   *
   * @param {AbortSignal} [signal]
   */
  async laterSecond(signal) {
    const { now } = this.#platform;
    const second = Math.floor(now() / 1000);
    // Timers may fire a little early. A clock that was set back is not waited for.
    for (let waits = 0; waits < 3 && Math.floor(now() / 1000) <= second; waits++) {
      await delay(this.#platform, 1000 - (now() % 1000), signal);
    }
  }

  /**
   * Takes the body of an answer whose head is verified.
   *
   * @param {import("./direct.js").Received} received
   * @param {boolean} isStream whether it must be a stream
   * @param {AbortSignal} [signal]
   * @returns {Promise<Answer>}
   */
  async #open(received, isStream, signal) {
    const { status } = received;
    const type = received.header("content-type");
    if (isStream !== (essenceOf(type) === "text/event-stream")) {
      received.discard();
      throw ownError("bad-answer", { status });
    }
    if (isStream) return { status, json: undefined, blob: null, texts: received.texts() };
    if (status === 204) {
      received.discard();
      return { status, json: undefined, blob: null, texts: null };
    }
    if (isJson(type)) {
      const blob = await received.blob();
      const bytes = await blob.arrayBuffer();
      const fault = await digestFault(this.#platform.crypto.subtle, bytes, received.header("content-digest"));
      signal?.throwIfAborted();
      if (fault !== null) throw ownError("wrong-bridge", { status, cause: new Error(fault) });
      return { status, json: parsed(bytes), blob, texts: null };
    }
    const blob = await received.blob();
    if (String(blob.size) !== received.header("content-length")) throw ownError("cut-short", { status });
    return { status, json: undefined, blob, texts: null };
  }
}

/**
 * What to make of an answer that is not the paired bridge's.
 *
 * @param {import("./direct.js").Received} received
 * @param {"call" | "pairing"} during
 * @param {string} fault why
 * @returns {Promise<import("./errors.js").SaltbridgeError>}
 */
export async function unsignedAnswer(received, during, fault) {
  const { status } = received;
  const signed = received.header("signature") !== null || received.header("signature-input") !== null;
  if (status >= 400 && (during === "pairing" || !signed)) {
    const code = (await unsignedJson(received, "application/problem+json"))?.json?.code;
    const refusal = isCode(code) ? unsignedRefusal(code, status, during) : null;
    if (refusal) return refusal;
  } else {
    received.discard();
  }
  return ownError("wrong-bridge", { status, cause: new Error(fault) });
}

/**
 * A body that nobody has vouched for: read only if it is short and of that very type.
 *
 * @param {import("./direct.js").Received} received
 * @param {string} type
 * @returns {Promise<{bytes: ArrayBuffer, json: any} | undefined>}
 */
export async function unsignedJson(received, type) {
  const length = Number(received.header("content-length") ?? "NaN");
  if (received.header("content-type") !== type || !(length <= LONGEST_UNSIGNED)) {
    received.discard();
    return undefined;
  }
  try {
    const bytes = await (await received.blob()).arrayBuffer();
    return { bytes, json: parsed(bytes) };
  } catch (error) {
    if (error instanceof SaltbridgeError) return undefined; // cut short
    throw error;
  }
}

/**
 * @param {ArrayBuffer} bytes
 * @returns {any} the JSON object, or undefined if it is none
 */
function parsed(bytes) {
  try {
    const json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}
