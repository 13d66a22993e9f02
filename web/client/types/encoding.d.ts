/**
 * @param {Uint8Array} bytes few: keys, digests, signatures
 * @returns {string} base64, standard alphabet, with padding
 */
export function toBase64(bytes: Uint8Array): string;
/**
 * @param {unknown} text base64 in its canonical spelling: padding, no white space, unused bits zero
 * @param {number} length how many bytes it must be
 * @returns {Uint8Array<ArrayBuffer> | null} null if it is anything else
 */
export function fromBase64(text: unknown, length: number): Uint8Array<ArrayBuffer> | null;
/**
 * @param {Uint8Array} bytes
 * @returns {string} base64url, without padding
 */
export function toBase64Url(bytes: Uint8Array): string;
/**
 * @param {Uint8Array[]} parts
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer>;
/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>} its UTF-8
 */
export function utf8(text: string): Uint8Array<ArrayBuffer>;
