/**
 * @typedef {AsyncIterator<string, void, void>} Texts
 *
 * @typedef {AsyncIterableIterator<BridgeEvent, void, void> & {return: () => Promise<IteratorResult<BridgeEvent, void>>}} EventStream
 *   `return` closes the connection at once, even while `next` waits
 */
/**
 * Begins with the first `next`, and rejects there if it cannot; ends when the bridge or the connection does.
 *
 * @param {(signal: AbortSignal) => Promise<Texts>} open
 * @param {AbortSignal} [signal] rejects what waits, with its reason
 * @param {() => void} [begun] called when the stream has begun
 * @returns {EventStream}
 */
export function eventStream(open: (signal: AbortSignal) => Promise<Texts>, signal?: AbortSignal, begun?: () => void): EventStream;
/** Reads text as it comes. */
export class EventReader {
    /** @param {() => void} [begun] called when the stream has begun: from then on nothing is missed */
    constructor(begun?: () => void);
    /**
     * @param {string} text the next piece
     * @returns {BridgeEvent[]} the events that it completed
     * @throws {import("./errors.js").SaltbridgeError} `bad-answer`
     */
    push(text: string): BridgeEvent[];
    #private;
}
export type Texts = AsyncIterator<string, void, void>;
/**
 * `return` closes the connection at once, even while `next` waits
 */
export type EventStream = AsyncIterableIterator<BridgeEvent, void, void> & {
    return: () => Promise<IteratorResult<BridgeEvent, void>>;
};
import type { BridgeEvent } from "./wire.js";
