/**
 * `fetch` tells a file that has changed on the disk and a bridge that does not run with the same words.
 *
 * @param {Blob | null} body
 */
export function mustBeReadable(body: Blob | null): Promise<void>;
/** A {@link Transport}. */
export class Direct {
    /**
     * @param {string} address
     * @param {import("./platform.js").Platform} platform
     */
    constructor(address: string, platform: import("./platform.js").Platform);
    /**
     * @param {Sent} sent
     * @param {AbortSignal} [signal]
     * @returns {Promise<Received>}
     */
    send({ method, target, headers, body }: Sent, signal?: AbortSignal): Promise<Received>;
    /**
     * Whether anything at all answers there. Its answer cannot be read, and is not needed.
     *
     * @param {AbortSignal} [signal]
     * @returns {Promise<boolean>}
     */
    knock(signal?: AbortSignal): Promise<boolean>;
    #private;
}
export type Sent = {
    method: string;
    /**
     * path and query
     */
    target: string;
    headers: Record<string, string>;
    body: Blob | null;
};
/**
 * An answer whose head has arrived. Of the body one thing is to be taken, and once.
 */
export type Received = {
    status: number;
    /**
     * by its name in lower case
     */
    header: (name: string) => string | null;
    /**
     * the whole body; rejects with `cut-short`
     */
    blob: () => Promise<Blob>;
    /**
     * the body as it comes, in pieces of text; ends where the
     * connection does
     */
    texts: () => AsyncIterator<string, void, void>;
    /**
     * closes the connection: nothing of the body is wanted
     */
    discard: () => void;
};
export type Transport = {
    /**
     * rejects with `unreachable`, `not-readable`,
     * `handoff-closed`, or the signal's reason
     */
    send: (sent: Sent, signal?: AbortSignal) => Promise<Received>;
};
