// @ts-check
/**
 * Which of the texts of this house a text is. It is told by its fields; nothing in it is used for anything but being sent
 * to the bridge, which reads it strictly.
 */

/**
 * @typedef {object} Opener  What the bridge needs to have a key unlocked.
 * @property {string} envelope
 * @property {string} [public_key]
 * @property {string} [address]
 */

/**
 * @typedef {{kind: "opener", opener: Opener, is_profile: boolean}
 *   | {kind: "legacy"} | {kind: "key-file"} | {kind: "no-key"} | {kind: "other-json"} | {kind: "none"}} Document
 */

/** The bridge takes no longer ones. */
export const LONGEST = 64 * 1024;

/**
 * @param {string} text
 * @returns {Document}
 */
export function readDocument(text) {
  const object = asObject(text);
  if (object === null) return { kind: "none" };
  /** @param {string} name */
  const field = (name) => (typeof object[name] === "string" && object[name] !== "" ? object[name] : undefined);
  const has = (/** @type {string[]} */ ...names) => names.some((name) => name in object);

  if (has("public_key_v2", "encrypted_private_key_v2", "encrypted_private_key")) {
    const isNew = field("public_key_v2") !== undefined;
    const envelope = isNew ? field("encrypted_private_key_v2") : field("encrypted_private_key");
    if (envelope === undefined) return { kind: "no-key" };
    if (readDocument(envelope).kind === "legacy") return { kind: "legacy" };
    const public_key = isNew ? field("public_key_v2") : field("public_key");
    return { kind: "opener", opener: withoutGaps({ envelope, public_key, address: field("public_address") ?? field("address") }), is_profile: true };
  }
  if (has("data") && has("salt")) return { kind: "opener", opener: { envelope: text.trim() }, is_profile: false };
  if (has("private_key")) return { kind: "key-file" };
  if (has("ephemPublicKey", "ciphertext")) return { kind: "legacy" };
  return { kind: "other-json" };
}

/**
 * The document in a file, or null if it is a sealed file: that is any file that holds no JSON object.
 * @param {File} file
 * @returns {Promise<Document | null>}
 */
export async function documentIn(file) {
  if (file.size > LONGEST || file.size === 0) return null;
  const document = readDocument(await file.text());
  return document.kind === "none" ? null : document;
}

/** @param {string} text @returns {Record<string, unknown> & Record<string, string> | null} */
function asObject(text) {
  try {
    const value = JSON.parse(text.replace(/^\uFEFF/, ""));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** @param {{envelope: string, public_key?: string, address?: string}} opener @returns {Opener} */
function withoutGaps({ envelope, public_key, address }) {
  return { envelope, ...(public_key === undefined ? {} : { public_key }), ...(address === undefined ? {} : { address }) };
}
