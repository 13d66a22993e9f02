/**
 * @param {Partial<Platform>} [given] what is not to be taken from the browser
 * @returns {Platform}
 */
export function platformWith(given?: Partial<Platform>): Platform;
/**
 * @param {Platform} platform
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>} rejects with the signal's reason
 */
export function delay(platform: Platform, milliseconds: number, signal?: AbortSignal): Promise<void>;
export type Platform = {
    fetch: (url: string, init: RequestInit) => Promise<Response>;
    /**
     * with `subtle`, which is there in secure contexts only
     */
    crypto: Crypto;
    /**
     * the page's, as `location.origin` reads
     */
    origin: string;
    permissions: Pick<Permissions, "query"> | undefined;
    indexedDB: IDBFactory | undefined;
    /**
     * opens a window
     */
    open: ((url: string, target: string, features: string) => Window | null) | undefined;
    /**
     * hears `message`
     */
    window: Pick<EventTarget, "addEventListener" | "removeEventListener"> | undefined;
    /**
     * hears
     * `securitypolicyviolation`; undefined where nothing of the kind is told
     */
    document: Pick<EventTarget, "addEventListener" | "removeEventListener"> | undefined;
    /**
     * milliseconds since 1970
     */
    now: () => number;
    setTimeout: (work: () => void, milliseconds: number) => any;
    clearTimeout: (timer: any) => void;
    /**
     * tells the developer of what his own callback threw
     */
    reportError: (error: unknown) => void;
};
