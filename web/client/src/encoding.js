// Bytes and their texts. What is read must be spelled canonically: one value has one spelling.

/**
 * @param {Uint8Array} bytes few: keys, digests, signatures
 * @returns {string} base64, standard alphabet, with padding
 */
export function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * @param {unknown} text base64 in its canonical spelling: padding, no white space, unused bits zero
 * @param {number} length how many bytes it must be
 * @returns {Uint8Array<ArrayBuffer> | null} null if it is anything else
 */
export function fromBase64(text, length) {
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return bytes.length === length && toBase64(bytes) === text ? bytes : null;
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} base64url, without padding
 */
export function toBase64Url(bytes) {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param {Uint8Array[]} parts
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function joined(parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>} its UTF-8
 */
export function utf8(text) {
  return new TextEncoder().encode(text);
}
