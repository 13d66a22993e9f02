/**
 * Ignores case, hyphens and white space, and takes O for 0, I and L for 1.
 *
 * @param {unknown} text a code, as a person pastes it
 * @returns {Uint8Array<ArrayBuffer>} its 10 bytes
 * @throws {import("./errors.js").SaltbridgeError} `bad-code`
 */
export function readCode(text: unknown): Uint8Array<ArrayBuffer>;
/**
 * @param {(string | Uint8Array)[]} fields texts are ASCII
 * @returns {Uint8Array<ArrayBuffer>} each field as its length (4 bytes, big-endian) and its bytes
 */
export function fieldList(fields: (string | Uint8Array)[]): Uint8Array<ArrayBuffer>;
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
export function pageFields({ origin, authority, pageKey }: Pairing): Uint8Array<ArrayBuffer>;
/**
 * @param {Pairing} pairing
 * @param {Uint8Array} bridgeKey 65 bytes
 * @param {string[]} scopes in alphabetical order
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bridgeFields({ origin, authority, pageKey }: Pairing, bridgeKey: Uint8Array, scopes: string[]): Uint8Array<ArrayBuffer>;
/**
 * @param {SubtleCrypto} subtle
 * @param {Uint8Array<ArrayBuffer>} code 10 bytes
 * @param {Uint8Array<ArrayBuffer>} fields
 * @returns {Promise<Uint8Array>} 32 bytes
 */
export function prove(subtle: SubtleCrypto, code: Uint8Array<ArrayBuffer>, fields: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
/**
 * In constant time.
 *
 * @param {SubtleCrypto} subtle
 * @param {Uint8Array<ArrayBuffer>} code 10 bytes
 * @param {Uint8Array<ArrayBuffer>} fields
 * @param {Uint8Array<ArrayBuffer>} proof 32 bytes
 * @returns {Promise<boolean>}
 */
export function proves(subtle: SubtleCrypto, code: Uint8Array<ArrayBuffer>, fields: Uint8Array<ArrayBuffer>, proof: Uint8Array<ArrayBuffer>): Promise<boolean>;
/**
 * What both proofs are about.
 */
export type Pairing = {
    /**
     * the page's
     */
    origin: string;
    /**
     * the bridge's: `127.0.0.1:` and the port
     */
    authority: string;
    /**
     * 65 bytes
     */
    pageKey: Uint8Array;
};
