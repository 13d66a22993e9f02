/**
 * @param {SubtleCrypto} subtle
 * @param {Uint8Array<ArrayBuffer>} publicKey 65 bytes
 * @returns {Promise<string>} its key ID: 43 characters
 */
export function keyId(subtle: SubtleCrypto, publicKey: Uint8Array<ArrayBuffer>): Promise<string>;
/**
 * @param {SubtleCrypto} subtle
 * @param {BufferSource} body
 * @returns {Promise<string>} the value of `Content-Digest`
 */
export function contentDigest(subtle: SubtleCrypto, body: BufferSource): Promise<string>;
/**
 * @param {string | null} type the value of `Content-Type`
 * @returns {boolean} whether such a body is JSON, and so covered by the signature
 */
export function isJson(type: string | null): boolean;
/**
 * @param {string | null} type the value of `Content-Type`
 * @returns {string} without its parameters, in lower case
 */
export function essenceOf(type: string | null): string;
/**
 * The text that is signed.
 *
 * @param {[identifier: string, value: string][]} components in the order of the list
 * @param {string} parameters everything that stands behind `saltbridge=` in `Signature-Input`
 * @returns {string}
 */
export function signatureBase(components: [identifier: string, value: string][], parameters: string): string;
/**
 * What is signed of a request.
 *
 * @typedef {object} Signable
 * @property {string} method in upper case
 * @property {string} authority `127.0.0.1:` and the port
 * @property {string} target path and query, encoded, as they are sent
 * @property {string | null} digest the value of `Content-Digest`, with a JSON body
 * @property {number} created seconds since 1970
 * @property {string} nonce base64 of 16 bytes
 * @property {string} keyId the page's
 */
/**
 * @param {Signable} request
 * @returns {{input: string, base: string}} the value of `Signature-Input`, and the text that is signed
 */
export function requestBase({ method, authority, target, digest, created, nonce, keyId }: Signable): {
    input: string;
    base: string;
};
/**
 * @param {Crypto} crypto
 * @returns {string} base64 of 16 random bytes
 */
export function freshNonce(crypto: Crypto): string;
/**
 * @param {SubtleCrypto} subtle
 * @param {CryptoKey} privateKey the page's
 * @param {Signable} request
 * @returns {Promise<{signature: string, headers: Record<string, string>}>} base64 of the signature, and the headers
 *   that carry it
 */
export function signRequest(subtle: SubtleCrypto, privateKey: CryptoKey, request: Signable): Promise<{
    signature: string;
    headers: Record<string, string>;
}>;
/**
 * An answer's head. A header that stood twice comes as `fetch` gives it: both values with a comma, which is refused.
 *
 * @typedef {object} AnswerHead
 * @property {number} status
 * @property {(name: string) => string | null} header by its name in lower case
 */
/**
 * Whose answer to which request it must be.
 *
 * @typedef {object} Expected
 * @property {string} requestSignature base64 of the request's own signature
 * @property {CryptoKey} key the bridge's public key
 * @property {string} keyId its key ID
 */
/**
 * Whether the answer's head was signed by that bridge for that request. A JSON body is only covered by its digest:
 * hold it to that with {@link digestFault}.
 *
 * @param {SubtleCrypto} subtle
 * @param {AnswerHead} answer
 * @param {Expected} expected
 * @returns {Promise<string | null>} what is wrong, or null
 */
export function answerFault(subtle: SubtleCrypto, answer: AnswerHead, { requestSignature, key, keyId }: Expected): Promise<string | null>;
/**
 * @param {SubtleCrypto} subtle
 * @param {BufferSource} body
 * @param {string | null} header the value of `Content-Digest`, which the signature covers
 * @returns {Promise<string | null>} what is wrong, or null
 */
export function digestFault(subtle: SubtleCrypto, body: BufferSource, header: string | null): Promise<string | null>;
export namespace KEY {
    let name: string;
    let namedCurve: string;
}
/** Lengths in bytes. */
export const PUBLIC_KEY_LENGTH: 65;
/**
 * What is signed of a request.
 */
export type Signable = {
    /**
     * in upper case
     */
    method: string;
    /**
     * `127.0.0.1:` and the port
     */
    authority: string;
    /**
     * path and query, encoded, as they are sent
     */
    target: string;
    /**
     * the value of `Content-Digest`, with a JSON body
     */
    digest: string | null;
    /**
     * seconds since 1970
     */
    created: number;
    /**
     * base64 of 16 bytes
     */
    nonce: string;
    /**
     * the page's
     */
    keyId: string;
};
/**
 * An answer's head. A header that stood twice comes as `fetch` gives it: both values with a comma, which is refused.
 */
export type AnswerHead = {
    status: number;
    /**
     * by its name in lower case
     */
    header: (name: string) => string | null;
};
/**
 * Whose answer to which request it must be.
 */
export type Expected = {
    /**
     * base64 of the request's own signature
     */
    requestSignature: string;
    /**
     * the bridge's public key
     */
    key: CryptoKey;
    /**
     * its key ID
     */
    keyId: string;
};
