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
export function jsonBody(subtle: SubtleCrypto, json: object): Promise<Body>;
/**
 * @param {Blob} blob
 * @returns {Body}
 */
export function bytesBody(blob: Blob): Body;
/**
 * @param {SubtleCrypto} subtle
 * @param {unknown} text base64 of 65 bytes
 * @returns {Promise<{key: CryptoKey, keyId: string, bytes: Uint8Array<ArrayBuffer>} | null>} null if it is no key
 */
export function readPublicKey(subtle: SubtleCrypto, text: unknown): Promise<{
    key: CryptoKey;
    keyId: string;
    bytes: Uint8Array<ArrayBuffer>;
} | null>;
/**
 * What to make of an answer that is not the paired bridge's.
 *
 * @param {import("./direct.js").Received} received
 * @param {"call" | "pairing"} during
 * @param {string} fault why
 * @returns {Promise<import("./errors.js").SaltbridgeError>}
 */
export function unsignedAnswer(received: import("./direct.js").Received, during: "call" | "pairing", fault: string): Promise<import("./errors.js").SaltbridgeError>;
/**
 * A body that nobody has vouched for: read only if it is short and of that very type.
 *
 * @param {import("./direct.js").Received} received
 * @param {string} type
 * @returns {Promise<{bytes: ArrayBuffer, json: any} | undefined>}
 */
export function unsignedJson(received: import("./direct.js").Received, type: string): Promise<{
    bytes: ArrayBuffer;
    json: any;
} | undefined>;
export class Channel {
    /**
     * @param {string} address
     * @param {import("./platform.js").Platform} platform
     * @param {() => import("./direct.js").Transport} transport which way requests go now
     */
    constructor(address: string, platform: import("./platform.js").Platform, transport: () => import("./direct.js").Transport);
    /**
     * @param {import("./keys.js").PairingRecord} pairing
     * @param {Call} call
     * @param {AbortSignal} [signal]
     * @returns {Promise<Answer>}
     * @throws {import("./errors.js").SaltbridgeError} the bridge's refusal, `clock`, `wrong-bridge`, `bad-answer`,
     *   `cut-short`, or what the transport rejects with
     */
    call(pairing: import("./keys.js").PairingRecord, call: Call, signal?: AbortSignal): Promise<Answer>;
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
    send(privateKey: CryptoKey, keyId: string, { method, target, body }: Call, signal?: AbortSignal): Promise<{
        received: import("./direct.js").Received;
        signature: string;
    }>;
    /**
     * Until the next second has begun: the bridge takes nothing that was signed in the second in which it started.
     *
     * @param {AbortSignal} [signal]
     */
    laterSecond(signal?: AbortSignal): Promise<void>;
    #private;
}
export type Call = {
    method: string;
    target: string;
    body: Body | null;
    /**
     * whether its answer is the stream of events
     */
    isStream?: boolean | undefined;
};
export type Body = {
    blob: Blob;
    /**
     * its `Content-Type`
     */
    type: string;
    /**
     * its `Content-Digest`, if it is JSON
     */
    digest: string | null;
};
/**
 * A verified answer that did what was asked.
 */
export type Answer = {
    /**
     * 200 or 204
     */
    status: number;
    /**
     * the object, if the body is JSON
     */
    json: any;
    /**
     * the body, JSON or not; null if there is none or it is a stream
     */
    blob: Blob | null;
    /**
     * the stream of events
     */
    texts: AsyncIterator<string, void, void> | null;
};
