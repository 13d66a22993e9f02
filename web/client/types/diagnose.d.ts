/**
 * @typedef {object} Subject what is looked at
 * @property {string} address
 * @property {import("./platform.js").Platform} platform
 * @property {import("./keys.js").Keys} keys
 * @property {import("./direct.js").Direct} direct
 * @property {boolean} handoff whether calls go through the window
 * @property {(signal: AbortSignal) => Promise<{interface: number}>} status a verified call
 */
/**
 * @param {Subject} subject
 * @param {AbortSignal} [signal]
 * @returns {Promise<Diagnosis>}
 */
export function diagnose(subject: Subject, signal?: AbortSignal): Promise<Diagnosis>;
/**
 * @typedef {"ready" | "permission-undecided" | "permission-denied" | "not-running" | "not-paired" | "revoked" |
 *   "page-csp" | "wrong-bridge" | "too-old" | "unsupported" | "clock"} State
 *
 * @typedef {object} Diagnosis
 * @property {State} state
 * @property {string} message a sentence for the person
 * @property {string} help what can be done; empty if nothing has to be
 */
/** @type {Record<State, [message: string, help: string]>} */
export const STATES: Record<State, [message: string, help: string]>;
/**
 * what is looked at
 */
export type Subject = {
    address: string;
    platform: import("./platform.js").Platform;
    keys: import("./keys.js").Keys;
    direct: import("./direct.js").Direct;
    /**
     * whether calls go through the window
     */
    handoff: boolean;
    /**
     * a verified call
     */
    status: (signal: AbortSignal) => Promise<{
        interface: number;
    }>;
};
export type State = "ready" | "permission-undecided" | "permission-denied" | "not-running" | "not-paired" | "revoked" | "page-csp" | "wrong-bridge" | "too-old" | "unsupported" | "clock";
export type Diagnosis = {
    state: State;
    /**
     * a sentence for the person
     */
    message: string;
    /**
     * what can be done; empty if nothing has to be
     */
    help: string;
};
