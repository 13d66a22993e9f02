// Where a pairing is kept: one record for each bridge's address, replaced as a whole. The private key is a CryptoKey
// that cannot be extracted; nobody, the page included, can read its bytes.

import { ownError } from "./errors.js";
import { platformWith } from "./platform.js";

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
export class MemoryKeys {
  /** @type {Map<string, PairingRecord>} */
  #records = new Map();

  /** @param {string} address */
  async load(address) {
    return this.#records.get(address) ?? null;
  }

  /** @param {PairingRecord} record */
  async save(record) {
    this.#records.set(record.address, record);
  }

  /** @param {string} address */
  async remove(address) {
    this.#records.delete(address);
  }
}

const STORE = "pairings";

/**
 * Keeps pairings in the browser, for all pages of this origin: in the database `saltbridge`, which is opened for each
 * access, so that another tab's change is seen and no tab is in another's way. Everything that can go wrong there is
 * `no-storage`.
 *
 * @implements {Keys}
 */
export class IndexedDbKeys {
  #name;
  #platform;

  /**
   * @param {{name?: string}} [options] the database's name, where `saltbridge` is taken
   * @param {Pick<import("./platform.js").Platform, "indexedDB">} [platform]
   */
  constructor({ name = "saltbridge" } = {}, platform = platformWith()) {
    this.#name = name;
    this.#platform = platform;
  }

  /**
   * @param {string} address
   * @returns {Promise<PairingRecord | null>}
   */
  async load(address) {
    const record = await this.#run("readonly", (store) => store.get(address));
    return isRecord(record) ? record : null;
  }

  /** @param {PairingRecord} record */
  async save(record) {
    await this.#run("readwrite", (store) => store.put(record));
  }

  /** @param {string} address */
  async remove(address) {
    await this.#run("readwrite", (store) => store.delete(address));
  }

  /**
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest} work
   * @returns {Promise<any>} the result, once it is on the disk
   */
  async #run(mode, work) {
    let database;
    try {
      database = await this.#open();
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      const request = work(transaction.objectStore(STORE));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error ?? request.error);
      });
      return request.result;
    } catch (cause) {
      throw ownError("no-storage", { cause });
    } finally {
      database?.close();
    }
  }

  /** @returns {Promise<IDBDatabase>} */
  #open() {
    return new Promise((resolve, reject) => {
      const { indexedDB } = this.#platform;
      if (!indexedDB) return reject(new Error("there is no IndexedDB"));
      const request = indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "address" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }
}

/**
 * A browser that cannot read a key any more gives what is left of the record.
 *
 * @param {any} record
 */
function isRecord(record) {
  return (
    typeof record?.key_id === "string" &&
    typeof record.bridge_public_key === "string" &&
    record.private_key?.type === "private" &&
    Array.isArray(record.scopes)
  );
}
