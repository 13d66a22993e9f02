/**
 * @param {string} code one of the client's own
 * @param {{message?: string, help?: string, status?: number | null, cause?: unknown}} [more]
 * @returns {SaltbridgeError}
 */
export function ownError(code: string, { message, help, ...more }?: {
    message?: string;
    help?: string;
    status?: number | null;
    cause?: unknown;
}): SaltbridgeError;
/**
 * A refusal that nobody signed.
 *
 * @param {string} code
 * @param {number | null} status if it is known
 * @param {"call" | "pairing"} during
 * @returns {SaltbridgeError | null} null if the bridge sends no such refusal unsigned
 */
export function unsignedRefusal(code: string, status: number | null, during: "call" | "pairing"): SaltbridgeError | null;
/**
 * A refusal that the bridge signed.
 *
 * @param {any} problem the JSON body
 * @param {number} status
 * @returns {SaltbridgeError}
 */
export function signedRefusal(problem: any, status: number): SaltbridgeError;
/** @param {unknown} code @returns {code is string} whether it has the form of one */
export function isCode(code: unknown): code is string;
/**
 * A failure: a refusal of the bridge, or one of the client's own. Three things are not: an abort rejects with the
 * signal's own reason (an `AbortError` if it has no other), a wrong argument with a `TypeError`, and what the caller's
 * own `keys` throw passes through.
 */
export class SaltbridgeError extends Error {
    /**
     * @param {string} code
     * @param {string} message
     * @param {{help?: string, status?: number | null, signed?: boolean, requestId?: string | null, cause?: unknown}} [more]
     */
    constructor(code: string, message: string, { help, status, signed, requestId, cause }?: {
        help?: string;
        status?: number | null;
        signed?: boolean;
        requestId?: string | null;
        cause?: unknown;
    });
    /** Stable: programs may rely on it. One of the bridge's, or of the client's own. @type {string} */
    code: string;
    /** What can be done about it. @type {string} */
    help: string;
    /** The HTTP status of a refusal. @type {number | null} */
    status: number | null;
    /** Whether the paired bridge signed this refusal. @type {boolean} */
    signed: boolean;
    /** Names the request in what the bridge writes to its terminal. @type {string | null} */
    requestId: string | null;
}
/** The client's own codes. */
export const OWN_CODES: string[];
