/** @import { BridgeEvent } from "./wire.js" */
export class Listening {
    /**
     * @param {(begun: () => void) => import("./events.js").EventStream} open
     * @param {(error: unknown) => void} reportError hears what listeners throw
     */
    constructor(open: (begun: () => void) => import("./events.js").EventStream, reportError: (error: unknown) => void);
    /**
     * @param {(event: BridgeEvent) => void} onEvent
     * @param {AbortSignal} [signal]
     * @returns {Promise<() => void>} what ends it; there once nothing is missed any more, or nothing can be heard
     */
    join(onEvent: (event: BridgeEvent) => void, signal?: AbortSignal): Promise<() => void>;
    #private;
}
import type { BridgeEvent } from "./wire.js";
