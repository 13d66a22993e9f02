// What callers give, held to what can be sent. A wrong argument is the developer's mistake: a TypeError.

import { ownError } from "./errors.js";

/**
 * @param {unknown} address
 * @returns {string}
 * @throws {import("./errors.js").SaltbridgeError} `bad-address`
 */
export function checkedAddress(address) {
  const port = /^http:\/\/127\.0\.0\.1:([1-9][0-9]{0,4})$/.exec(String(address))?.[1];
  // At port 80 browsers leave the port out of what they send.
  if (port === undefined || Number(port) > 65535 || port === "80") throw ownError("bad-address");
  return String(address);
}

/**
 * What is signed must be what is sent, so nothing may be left for the browser to spell otherwise.
 *
 * @param {string} address
 * @param {string} method
 * @param {string} target
 * @throws {TypeError}
 */
export function checkTarget(address, method, target) {
  if (!["GET", "POST", "DELETE"].includes(method)) throw new TypeError("the method is GET, POST or DELETE");
  if (String(target).startsWith("/v1/")) {
    const { origin, pathname, search } = new URL(address + target);
    if (origin === address && pathname + search === target && pathname.startsWith("/v1/")) return;
  }
  throw new TypeError("the target is a path that begins with /v1/, and a query, percent-encoded");
}

/**
 * @param {string} text a handle or a key
 * @returns {string} for one segment of a path, or one value of a query
 * @throws {TypeError}
 */
export function encoded(text) {
  if (typeof text !== "string" || text === "") throw new TypeError("handles and keys are texts");
  return encodeURIComponent(text);
}

/**
 * @param {unknown} value
 * @returns {Blob} also one of another frame
 * @throws {TypeError}
 */
export function checkedBlob(value) {
  if (!["[object Blob]", "[object File]"].includes(Object.prototype.toString.call(value))) {
    throw new TypeError("a file is a Blob");
  }
  return /** @type {Blob} */ (value);
}

/**
 * @param {unknown} value
 * @returns {object}
 * @throws {TypeError}
 */
export function checkedJson(value) {
  if (typeof value !== "object" || value === null) throw new TypeError("the body of a call is an object");
  return value;
}
