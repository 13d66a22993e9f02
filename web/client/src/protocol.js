// Signatures of requests and answers, as docs/bridge-protocol.md specifies them: HTTP Message Signatures (RFC 9421),
// ECDSA over P-256 with SHA-256. Pure: no network, no clock, no storage. An answer that is not spelled exactly as the
// document says is refused, however well its signature verifies.

import { fromBase64, toBase64, toBase64Url, utf8 } from "./encoding.js";

/** The curve of all keys. */
export const KEY = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };

/** Lengths in bytes. */
export const PUBLIC_KEY_LENGTH = 65;
const SIGNATURE_LENGTH = 64;
const DIGEST_LENGTH = 32;
const NONCE_LENGTH = 16;

const LABEL = "saltbridge";
const THE_REQUESTS_SIGNATURE = `"signature";req;key="${LABEL}"`;

/**
 * @param {SubtleCrypto} subtle
 * @param {Uint8Array<ArrayBuffer>} publicKey 65 bytes
 * @returns {Promise<string>} its key ID: 43 characters
 */
export async function keyId(subtle, publicKey) {
  return toBase64Url(new Uint8Array(await subtle.digest("SHA-256", publicKey)));
}

/**
 * @param {SubtleCrypto} subtle
 * @param {BufferSource} body
 * @returns {Promise<string>} the value of `Content-Digest`
 */
export async function contentDigest(subtle, body) {
  return `sha-256=:${toBase64(new Uint8Array(await subtle.digest("SHA-256", body)))}:`;
}

/**
 * @param {string | null} type the value of `Content-Type`
 * @returns {boolean} whether such a body is JSON, and so covered by the signature
 */
export function isJson(type) {
  const essence = essenceOf(type);
  return essence === "application/json" || essence === "application/problem+json";
}

/**
 * @param {string | null} type the value of `Content-Type`
 * @returns {string} without its parameters, in lower case
 */
export function essenceOf(type) {
  return (type ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/**
 * The text that is signed.
 *
 * @param {[identifier: string, value: string][]} components in the order of the list
 * @param {string} parameters everything that stands behind `saltbridge=` in `Signature-Input`
 * @returns {string}
 */
export function signatureBase(components, parameters) {
  const lines = components.map(([identifier, value]) => `${identifier}: ${value}`);
  return [...lines, `"@signature-params": ${parameters}`].join("\n");
}

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
export function requestBase({ method, authority, target, digest, created, nonce, keyId }) {
  const [path = "", query] = splitTarget(target);
  /** @type {[string, string][]} */
  const components = [
    ['"@method"', method],
    ['"@authority"', authority],
    ['"@path"', path],
    ['"@query"', `?${query ?? ""}`],
  ];
  if (digest !== null) components.push(['"content-digest"', digest]);
  const list = components.map(([identifier]) => identifier).join(" ");
  const parameters = `(${list});created=${created};nonce="${nonce}";keyid="${keyId}";tag="saltbridge-request"`;
  return { input: `${LABEL}=${parameters}`, base: signatureBase(components, parameters) };
}

/** @param {string} target */
function splitTarget(target) {
  const at = target.indexOf("?");
  return at < 0 ? [target] : [target.slice(0, at), target.slice(at + 1)];
}

/**
 * @param {Crypto} crypto
 * @returns {string} base64 of 16 random bytes
 */
export function freshNonce(crypto) {
  return toBase64(crypto.getRandomValues(new Uint8Array(NONCE_LENGTH)));
}

/**
 * @param {SubtleCrypto} subtle
 * @param {CryptoKey} privateKey the page's
 * @param {Signable} request
 * @returns {Promise<{signature: string, headers: Record<string, string>}>} base64 of the signature, and the headers
 *   that carry it
 */
export async function signRequest(subtle, privateKey, request) {
  const { input, base } = requestBase(request);
  const signature = toBase64(new Uint8Array(await subtle.sign(SIGNING, privateKey, utf8(base))));
  /** @type {Record<string, string>} */
  const headers = { "signature-input": input, signature: `${LABEL}=:${signature}:` };
  if (request.digest !== null) headers["content-digest"] = request.digest;
  return { signature, headers };
}

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
export async function answerFault(subtle, answer, { requestSignature, key, keyId }) {
  const signature = dictionaryBytes(answer.header("signature"), LABEL, SIGNATURE_LENGTH);
  if (signature === null) return "its Signature is not 64 bytes under the label saltbridge";
  const input = answer.header("signature-input");
  const form = /^saltbridge=(\(([^()]*)\)((?:;[a-z]+=(?:[0-9]+|"[^"\\]*"))*))$/.exec(input ?? "");
  if (!form) return "its Signature-Input is not one list under the label saltbridge";
  const [, parameters = "", list = "", rest = ""] = form;

  const values = new Map([
    ['"@status"', String(answer.status).padStart(3, "0")],
    [THE_REQUESTS_SIGNATURE, `:${requestSignature}:`],
  ]);
  if (isJson(answer.header("content-type"))) {
    const digest = answer.header("content-digest");
    if (dictionaryBytes(digest, "sha-256", DIGEST_LENGTH) === null) return "its Content-Digest is not one SHA-256";
    values.set('"content-digest"', digest ?? "");
  }
  /** @type {[string, string][]} */
  const components = [];
  for (const identifier of list.split(" ")) {
    const value = values.get(identifier);
    if (value === undefined) return "its signature covers something else, or one thing twice";
    values.delete(identifier);
    components.push([identifier, value]);
  }
  if (values.size > 0) return "its signature does not cover all that it must";

  const wrong = parametersFault(rest, keyId);
  if (wrong !== null) return wrong;
  const base = utf8(signatureBase(components, parameters));
  return (await subtle.verify(SIGNING, key, signature, base)) ? null : "its signature is not by this key for this request";
}

/**
 * @param {string} text the parameters behind the list
 * @param {string} keyId
 * @returns {string | null}
 */
function parametersFault(text, keyId) {
  /** @type {Map<string, (value: string) => boolean>} */
  const wanted = new Map([
    ["created", (value) => /^(0|[1-9][0-9]{0,14})$/.test(value)],
    ["keyid", (value) => value === `"${keyId}"`],
    ["tag", (value) => value === '"saltbridge-answer"'],
  ]);
  for (const [, name = "", value = ""] of text.matchAll(/;([a-z]+)=([0-9]+|"[^"\\]*")/g)) {
    const good = wanted.get(name);
    if (!good) return "its signature has a parameter too many";
    if (!good(value)) return name === "keyid" ? "it is signed with another key" : `its parameter ${name} is another`;
    wanted.delete(name);
  }
  return wanted.size > 0 ? "its signature lacks a parameter" : null;
}

/**
 * @param {SubtleCrypto} subtle
 * @param {BufferSource} body
 * @param {string | null} header the value of `Content-Digest`, which the signature covers
 * @returns {Promise<string | null>} what is wrong, or null
 */
export async function digestFault(subtle, body, header) {
  return (await contentDigest(subtle, body)) === header ? null : "its body is not the one that was signed";
}

/**
 * @param {string | null} header the value of a header that is a dictionary with one member, a byte sequence
 * @param {string} label the member's
 * @param {number} length in bytes
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
function dictionaryBytes(header, label, length) {
  const form = /^([a-z0-9-]+)=:([A-Za-z0-9+/=]*):$/.exec(header ?? "");
  return form && form[1] === label ? fromBase64(form[2], length) : null;
}
