/**
 * @typedef {object} PairingRecord
 * @property {string} address the bridge's
 * @property {CryptoKey} private_key the page's; signs, and is not extractable
 * @property {string} key_id the page's
 * @property {string} bridge_public_key base64 of 65 bytes
 * @property {string[]} scopes what was granted when it was paired
 */
/**
 * Keeps pairings. Give the client an object of your own to keep them elsewhere.
 *
 * @typedef {object} Keys
 * @property {(address: string) => Promise<PairingRecord | null>} load
 * @property {(record: PairingRecord) => Promise<void>} save replaces the record of its address as a whole
 * @property {(address: string) => Promise<void>} remove
 */
/**
 * Keeps pairings until the page is left.
 *
 * @implements {Keys}
 */
export class MemoryKeys implements Keys {
    /** @param {string} address */
    load(address: string): Promise<PairingRecord | null>;
    /** @param {PairingRecord} record */
    save(record: PairingRecord): Promise<void>;
    /** @param {string} address */
    remove(address: string): Promise<void>;
    #private;
}
/**
 * Keeps pairings in the browser, for all pages of this origin: in the database `saltbridge`, which is opened for each
 * access, so that another tab's change is seen and no tab is in another's way. Everything that can go wrong there is
 * `no-storage`.
 *
 * @implements {Keys}
 */
export class IndexedDbKeys implements Keys {
    /**
     * @param {{name?: string}} [options] the database's name, where `saltbridge` is taken
     * @param {Pick<import("./platform.js").Platform, "indexedDB">} [platform]
     */
    constructor({ name }?: {
        name?: string;
    }, platform?: Pick<import("./platform.js").Platform, "indexedDB">);
    /**
     * @param {string} address
     * @returns {Promise<PairingRecord | null>}
     */
    load(address: string): Promise<PairingRecord | null>;
    /** @param {PairingRecord} record */
    save(record: PairingRecord): Promise<void>;
    /** @param {string} address */
    remove(address: string): Promise<void>;
    #private;
}
export type PairingRecord = {
    /**
     * the bridge's
     */
    address: string;
    /**
     * the page's; signs, and is not extractable
     */
    private_key: CryptoKey;
    /**
     * the page's
     */
    key_id: string;
    /**
     * base64 of 65 bytes
     */
    bridge_public_key: string;
    /**
     * what was granted when it was paired
     */
    scopes: string[];
};
/**
 * Keeps pairings. Give the client an object of your own to keep them elsewhere.
 */
export type Keys = {
    load: (address: string) => Promise<PairingRecord | null>;
    /**
     * replaces the record of its address as a whole
     */
    save: (record: PairingRecord) => Promise<void>;
    remove: (address: string) => Promise<void>;
};
