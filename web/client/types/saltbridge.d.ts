/** A bridge, as one page sees it. */
export class Saltbridge {
    /**
     * @param {object} [options]
     * @param {string} [options.address] `http://127.0.0.1:` and a port; that of `saltbridge serve` if it is not given
     * @param {import("./keys.js").Keys} [options.keys] where the pairing is kept; in IndexedDB if it is not given
     * @param {Partial<import("./platform.js").Platform>} [platform] what is not to be taken from the browser, for tests
     * @throws {SaltbridgeError} `bad-address`
     */
    constructor({ address, keys }?: {
        address?: string | undefined;
        keys?: import("./keys.js").Keys | undefined;
    }, platform?: Partial<import("./platform.js").Platform>);
    /** The bridge's address. @type {string} */
    get address(): string;
    /**
     * Whether this browser keeps a pairing with this address. It says nothing of the bridge.
     *
     * @returns {Promise<boolean>}
     * @throws {SaltbridgeError} `no-storage`
     */
    isPaired(): Promise<boolean>;
    /**
     * Pairs this browser with the bridge. The key pair is made here. An earlier pairing is replaced once the bridge has
     * proved that it knows the code, and not before.
     *
     * @param {string} code what `saltbridge pair` shows
     * @param {Options} [options]
     * @returns {Promise<{scopes: string[]}>} what the person granted
     * @throws {SaltbridgeError} `bad-code`, `wrong-code`, `not-invited`, `wrong-bridge`, `clock`, `no-storage`,
     *   `unreachable`, and other refusals
     */
    pair(code: string, { signal }?: Options): Promise<{
        scopes: string[];
    }>;
    /**
     * Forgets the pairing in this browser. The bridge forgets it with `saltbridge pairings revoke`.
     *
     * @throws {SaltbridgeError} `no-storage`
     */
    unpair(): Promise<void>;
    /**
     * What the bridge and the device are doing.
     *
     * @param {Options} [options]
     * @returns {Promise<Status>}
     */
    status({ signal }?: Options): Promise<Status>;
    /**
     * What happens at the device, and what the person has to compare. The stream is opened by the first step of the
     * iteration, and closed by its end: by `break`, too.
     *
     * @param {Options} [options]
     * @returns {AsyncIterableIterator<BridgeEvent, void, void>} ends when the bridge ends the stream
     * @throws {SaltbridgeError} in the first step, if the stream cannot begin
     */
    events({ signal }?: Options): AsyncIterableIterator<BridgeEvent, void, void>;
    /**
     * Makes a key pair under the device's account; the person approves twice.
     *
     * @param {CreateRequest} [request]
     * @param {WatchedOptions} [options]
     * @returns {Promise<CreatedKeys>}
     */
    createKeys({ address, path }?: CreateRequest, { signal, onEvent }?: WatchedOptions): Promise<CreatedKeys>;
    /**
     * Opens an envelope; the person approves once, or not at all if this page holds its key already.
     *
     * @param {UnwrapRequest} request
     * @param {WatchedOptions} [options]
     * @returns {Promise<Unwrapped>}
     */
    unwrap({ envelope, public_key, address, path, for: purpose }: UnwrapRequest, { signal, onEvent }?: WatchedOptions): Promise<Unwrapped>;
    /**
     * Opens a sealed box.
     *
     * @param {string} handle of {@link unwrap}
     * @param {Blob} box
     * @param {Options} [options]
     * @returns {Promise<Blob>} the plaintext: whole, and verified by the bridge
     * @throws {SaltbridgeError} `no-such-key`, `box-does-not-open`, `cut-short`, and others
     */
    decrypt(handle: string, box: Blob, { signal }?: Options): Promise<Blob>;
    /**
     * Seals a file.
     *
     * @param {string} public_key the recipient's, 44 characters of base64
     * @param {Blob} plaintext
     * @param {Options} [options]
     * @returns {Promise<Blob>} the sealed box, 48 bytes longer
     */
    encrypt(public_key: string, plaintext: Blob, { signal }?: Options): Promise<Blob>;
    /**
     * Gives the private key away, if that was granted; the person approves it on the device.
     *
     * @param {string} handle of {@link unwrap}
     * @param {WatchedOptions} [options]
     * @returns {Promise<Blob>} the text of `numerbay.json`, not encrypted
     */
    export(handle: string, { signal, onEvent }?: WatchedOptions): Promise<Blob>;
    /**
     * Has the bridge forget one key.
     *
     * @param {string} handle
     * @param {Options} [options]
     */
    forget(handle: string, { signal }?: Options): Promise<void>;
    /**
     * Has the bridge forget all keys of this page.
     *
     * @param {Options} [options]
     */
    lock({ signal }?: Options): Promise<void>;
    /**
     * Any call of the interface, signed, its answer verified.
     *
     * @param {"GET" | "POST" | "DELETE"} method
     * @param {string} target path and query, percent-encoded, from `/v1/` on
     * @param {{json?: object, blob?: Blob, signal?: AbortSignal}} [options] the body is one of the two, or none
     * @returns {Promise<Result>}
     */
    call(method: "GET" | "POST" | "DELETE", target: string, { json, blob, signal }?: {
        json?: object;
        blob?: Blob;
        signal?: AbortSignal;
    }): Promise<Result>;
    /**
     * What stands between this page and the bridge. It never makes the browser ask the person, and rejects for no state.
     *
     * @param {Options} [options]
     * @returns {Promise<import("./diagnose.js").Diagnosis>}
     */
    diagnose({ signal }?: Options): Promise<import("./diagnose.js").Diagnosis>;
    /**
     * Opens the bridge's window, through which all calls go from then on. To be called inside a click.
     *
     * @param {Options} [options]
     * @returns {Promise<void>} when the window is ready
     * @throws {SaltbridgeError} `handoff-blocked`, `handoff-no-answer`, `handoff-closed`
     */
    openHandoff({ signal }?: Options): Promise<void>;
    /** Closes the window. Calls that wait end with `handoff-closed`; the next ones go directly. */
    closeHandoff(): void;
    /** Whether calls go through the bridge's window. @type {boolean} */
    get handoff(): boolean;
    #private;
}
export type Options = {
    /**
     * ends the call, at the bridge, too; the promise rejects with the signal's reason
     */
    signal?: AbortSignal | undefined;
};
export type WatchedOptions = {
    /**
     * ends the call, at the bridge, too; the promise rejects with the signal's reason
     */
    signal?: AbortSignal | undefined;
    /**
     * hears what happens while the call waits, and nothing after it
     */
    onEvent?: ((event: BridgeEvent) => void) | undefined;
};
import type { Status } from "./wire.js";
import type { BridgeEvent } from "./wire.js";
import type { CreateRequest } from "./wire.js";
import type { CreatedKeys } from "./wire.js";
import type { UnwrapRequest } from "./wire.js";
import type { Unwrapped } from "./wire.js";
import type { Result } from "./wire.js";
