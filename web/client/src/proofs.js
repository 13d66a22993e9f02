// The pairing code and what proves that both sides know it, as docs/bridge-protocol.md specifies them. Pure.

import { joined, utf8 } from "./encoding.js";
import { ownError } from "./errors.js";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARACTERS = 16;
const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * Ignores case, hyphens and white space, and takes O for 0, I and L for 1.
 *
 * @param {unknown} text a code, as a person pastes it
 * @returns {Uint8Array<ArrayBuffer>} its 10 bytes
 * @throws {import("./errors.js").SaltbridgeError} `bad-code`
 */
export function readCode(text) {
  const characters = String(text ?? "").replace(/[-\s]/g, "");
  // Before the change of case: other scripts have letters whose capitals are these.
  if (characters.length !== CODE_CHARACTERS || !/^[0-9A-Za-z]*$/.test(characters)) throw ownError("bad-code");
  let bits = 0n;
  for (const character of characters.toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1")) {
    const five = ALPHABET.indexOf(character);
    if (five < 0) throw ownError("bad-code");
    bits = (bits << 5n) | BigInt(five);
  }
  const bytes = new Uint8Array((CODE_CHARACTERS * 5) / 8);
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = Number(bits & 0xffn);
    bits >>= 8n;
  }
  return bytes;
}

/**
 * @param {(string | Uint8Array)[]} fields texts are ASCII
 * @returns {Uint8Array<ArrayBuffer>} each field as its length (4 bytes, big-endian) and its bytes
 */
export function fieldList(fields) {
  return joined(
    fields.flatMap((field) => {
      const bytes = typeof field === "string" ? utf8(field) : field;
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length);
      return [length, bytes];
    }),
  );
}

/**
 * What both proofs are about.
 *
 * @typedef {object} Pairing
 * @property {string} origin the page's
 * @property {string} authority the bridge's: `127.0.0.1:` and the port
 * @property {Uint8Array} pageKey 65 bytes
 */

/**
 * @param {Pairing} pairing
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function pageFields({ origin, authority, pageKey }) {
  return fieldList(["saltbridge pairing v1 page", origin, authority, pageKey]);
}

/**
 * @param {Pairing} pairing
 * @param {Uint8Array} bridgeKey 65 bytes
 * @param {string[]} scopes in alphabetical order
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bridgeFields({ origin, authority, pageKey }, bridgeKey, scopes) {
  return fieldList(["saltbridge pairing v1 bridge", origin, authority, pageKey, bridgeKey, ...scopes]);
}

/**
 * @param {SubtleCrypto} subtle
 * @param {Uint8Array<ArrayBuffer>} code 10 bytes
 * @param {Uint8Array<ArrayBuffer>} fields
 * @returns {Promise<Uint8Array>} 32 bytes
 */
export async function prove(subtle, code, fields) {
  const key = await subtle.importKey("raw", code, HMAC, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", key, fields));
}

/**
 * In constant time.
 *
 * @param {SubtleCrypto} subtle
 * @param {Uint8Array<ArrayBuffer>} code 10 bytes
 * @param {Uint8Array<ArrayBuffer>} fields
 * @param {Uint8Array<ArrayBuffer>} proof 32 bytes
 * @returns {Promise<boolean>}
 */
export async function proves(subtle, code, fields, proof) {
  const key = await subtle.importKey("raw", code, HMAC, false, ["verify"]);
  return subtle.verify("HMAC", key, proof, fields);
}
