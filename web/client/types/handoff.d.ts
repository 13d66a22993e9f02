/** @import { Received, Sent } from "./direct.js" */
/** A {@link import("./direct.js").Transport}. */
export class Handoff {
    /**
     * @param {string} address
     * @param {import("./platform.js").Platform} platform
     */
    constructor(address: string, platform: import("./platform.js").Platform);
    /** Whether the window is there and has said so. */
    get isOpen(): boolean;
    /** Whether it may still become so. */
    get isOpening(): boolean;
    /** Shows the window again. */
    focus(): void;
    /**
     * Opens the window at once, so that the browser counts it to the click in which this is called. Once.
     *
     * @param {AbortSignal} [signal]
     * @returns {Promise<void>} when it is ready
     * @throws {import("./errors.js").SaltbridgeError} `handoff-blocked`, `handoff-no-answer`, `handoff-closed`,
     *   `unsupported`
     */
    open(signal?: AbortSignal): Promise<void>;
    /** Closes the window; calls that wait end with `handoff-closed`. */
    close(): void;
    /**
     * @param {Sent} sent
     * @param {AbortSignal} [signal]
     * @returns {Promise<Received>}
     */
    send({ method, target, headers, body }: Sent, signal?: AbortSignal): Promise<Received>;
    #private;
}
import type { Sent } from "./direct.js";
import type { Received } from "./direct.js";
