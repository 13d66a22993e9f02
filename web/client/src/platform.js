// What the client needs of the browser. It is looked up when it is used, so that the module can be loaded where there is
// none: where a site renders its pages, for one.

/**
 * @typedef {object} Platform
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {Crypto} crypto with `subtle`, which is there in secure contexts only
 * @property {string} origin the page's, as `location.origin` reads
 * @property {Pick<Permissions, "query"> | undefined} permissions
 * @property {IDBFactory | undefined} indexedDB
 * @property {((url: string, target: string, features: string) => Window | null) | undefined} open opens a window
 * @property {Pick<EventTarget, "addEventListener" | "removeEventListener"> | undefined} window hears `message`
 * @property {Pick<EventTarget, "addEventListener" | "removeEventListener"> | undefined} document hears
 *   `securitypolicyviolation`; undefined where nothing of the kind is told
 * @property {() => number} now milliseconds since 1970
 * @property {(work: () => void, milliseconds: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {(error: unknown) => void} reportError tells the developer of what his own callback threw
 */

/** @type {any} */
const browser = globalThis;

/** @type {Platform} */
const BROWSER = {
  fetch: (url, init) => browser.fetch(url, init),
  get crypto() {
    return browser.crypto;
  },
  get origin() {
    return browser.location?.origin ?? "null";
  },
  get permissions() {
    return browser.navigator?.permissions;
  },
  get indexedDB() {
    try {
      return browser.indexedDB;
    } catch {
      return undefined; // Some browsers throw here where storing is forbidden.
    }
  },
  get open() {
    return browser.open?.bind(browser);
  },
  get window() {
    return browser.window;
  },
  get document() {
    return browser.document ?? browser.self; // A worker is told itself.
  },
  now: () => Date.now(),
  setTimeout: (work, milliseconds) => browser.setTimeout(work, milliseconds),
  clearTimeout: (timer) => browser.clearTimeout(timer),
  reportError: (error) => (browser.reportError ? browser.reportError(error) : console.error(error)),
};

/**
 * @param {Partial<Platform>} [given] what is not to be taken from the browser
 * @returns {Platform}
 */
export function platformWith(given = {}) {
  return Object.create(BROWSER, Object.getOwnPropertyDescriptors(given));
}

/**
 * @param {Platform} platform
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>} rejects with the signal's reason
 */
export function delay(platform, milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const end = () => {
      platform.clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = platform.setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", end, { once: true });
  });
}
