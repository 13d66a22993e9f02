/**
 * @param {unknown} address
 * @returns {string}
 * @throws {import("./errors.js").SaltbridgeError} `bad-address`
 */
export function checkedAddress(address: unknown): string;
/**
 * What is signed must be what is sent, so nothing may be left for the browser to spell otherwise.
 *
 * @param {string} address
 * @param {string} method
 * @param {string} target
 * @throws {TypeError}
 */
export function checkTarget(address: string, method: string, target: string): void;
/**
 * @param {string} text a handle or a key
 * @returns {string} for one segment of a path, or one value of a query
 * @throws {TypeError}
 */
export function encoded(text: string): string;
/**
 * @param {unknown} value
 * @returns {Blob} also one of another frame
 * @throws {TypeError}
 */
export function checkedBlob(value: unknown): Blob;
/**
 * @param {unknown} value
 * @returns {object}
 * @throws {TypeError}
 */
export function checkedJson(value: unknown): object;
