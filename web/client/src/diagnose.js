// What stands between this page and the bridge. Nothing here makes the browser ask the person anything.

import { SaltbridgeError, ownError } from "./errors.js";
import { delay } from "./platform.js";

/** The interface that this client speaks. */
const INTERFACE = 1;
/** How long the bridge may take to answer, in milliseconds: nobody is asked, so nobody is waited for. */
const ANSWER_WITHIN = 30_000;
/** How long a report of the page's own policy may come after the failure that it explains, in milliseconds. */
const REPORT_WITHIN = 250;

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
export const STATES = {
  ready: ["The bridge runs, and this browser is paired with it.", ""],
  "permission-undecided": [
    "The browser will ask whether this site may reach other apps on this computer.",
    "Go on, and allow it: the bridge is such an app.",
  ],
  "permission-denied": [
    "The browser keeps this site from apps on this computer.",
    "Allow it in the site's settings, beside the address, then reload. Or use the bridge's own window, where this site offers it.",
  ],
  "not-running": ["No bridge is running.", "Start it with: saltbridge serve."],
  "not-paired": [
    "This browser is not paired with the bridge.",
    "Run: saltbridge pair, with the address of this site, and paste the code here.",
  ],
  revoked: [
    "Something runs there, but it does not let this site in: the pairing was probably ended.",
    "Run: saltbridge pair, with the address of this site, and paste the code here.",
  ],
  "page-csp": [
    "This site's own Content-Security-Policy forbids it to reach the bridge.",
    "The site's developer adds the bridge's address to connect-src.",
  ],
  "wrong-bridge": [
    "What answers is not the bridge that this browser was paired with.",
    "End the other program on that port and start your bridge with: saltbridge serve. If it was set up anew, pair again.",
  ],
  "too-old": ["This bridge is too old, or too new, for this site.", "Install the newest saltbridge."],
  unsupported: [
    "This browser, or the way in which this page was loaded, lacks what is needed.",
    "Load the page over https in a current browser, not in a private window.",
  ],
  clock: [
    "The clocks of this browser and of the bridge differ by more than a minute.",
    "Set the computer's clock, then try again.",
  ],
};

/**
 * @param {State} state
 * @param {SaltbridgeError} [error] whose words are more exact, where they are the client's own
 * @returns {Diagnosis}
 */
function diagnosis(state, error) {
  const [message, help] = STATES[state];
  return error && !error.signed ? { state, message: error.message, help: error.help || help } : { state, message, help };
}

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
export async function diagnose(subject, signal) {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const abort = () => deadline.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const timer = subject.platform.setTimeout(() => deadline.abort(), ANSWER_WITHIN);
  try {
    return await look(subject, deadline.signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.signal.aborted) return diagnosis("wrong-bridge", ownError("wrong-bridge", { message: SILENT }));
    throw error;
  } finally {
    subject.platform.clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

const SILENT = "A program holds the bridge's port, but does not answer.";

/**
 * @param {Subject} subject
 * @param {AbortSignal} signal
 * @returns {Promise<Diagnosis>}
 */
async function look({ address, platform, keys, direct, handoff, status }, signal) {
  if (!platform.crypto?.subtle) return diagnosis("unsupported");
  let pairing;
  try {
    pairing = await keys.load(address);
  } catch (error) {
    if (!(error instanceof SaltbridgeError)) throw error;
    return diagnosis("unsupported", error);
  }
  if (!handoff) {
    const hindrance = (await permissionHindrance(platform)) ?? (await pathHindrance(address, platform, direct, signal));
    if (hindrance) return diagnosis(hindrance);
  }
  if (!pairing) return diagnosis("not-paired");
  try {
    const { interface: version } = await status(signal);
    return diagnosis(version >= INTERFACE ? "ready" : "too-old");
  } catch (error) {
    if (!(error instanceof SaltbridgeError)) throw error;
    return refused(error, handoff);
  }
}

/**
 * @param {import("./platform.js").Platform} platform
 * @returns {Promise<State | null>}
 */
async function permissionHindrance({ origin, permissions }) {
  // From one address of this computer to another no browser asks.
  if (/^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?$/.test(origin)) return null;
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      const { state } = (await permissions?.query({ name: /** @type {PermissionName} */ (name) })) ?? {};
      if (state === "denied") return "permission-denied";
      if (state === "prompt") return "permission-undecided";
      if (state === "granted") return null;
    } catch {
      // This browser does not know the name.
    }
  }
  return null;
}

/**
 * @param {string} address
 * @param {import("./platform.js").Platform} platform
 * @param {import("./direct.js").Direct} direct
 * @param {AbortSignal} signal
 * @returns {Promise<State | null>}
 */
async function pathHindrance(address, platform, direct, signal) {
  let forbidden = false;
  /** @type {() => void} */
  let reported = () => {};
  const report = new Promise((/** @type {(_: void) => void} */ resolve) => (reported = resolve));
  const hear = (/** @type {Event} */ event) => {
    const { blockedURI, disposition, effectiveDirective } = /** @type {SecurityPolicyViolationEvent} */ (event);
    if (disposition !== "enforce" || effectiveDirective !== "connect-src") return;
    if (blockedURI !== address && !blockedURI.startsWith(`${address}/`)) return;
    forbidden = true;
    reported();
  };
  platform.document?.addEventListener("securitypolicyviolation", hear);
  try {
    if (await direct.knock(signal)) return null;
    if (platform.document) await Promise.race([report, delay(platform, REPORT_WITHIN, signal)]);
    return forbidden ? "page-csp" : "not-running";
  } finally {
    platform.document?.removeEventListener("securitypolicyviolation", hear);
  }
}

/**
 * @param {SaltbridgeError} error of a call for the status
 * @param {boolean} handoff
 * @returns {Diagnosis}
 */
function refused(error, handoff) {
  switch (error.code) {
    case "unreachable":
      // By fetch it answered a moment ago: what it refuses to a site that it does not know, no page can read.
      return diagnosis(handoff ? "not-running" : "revoked");
    case "key-unknown":
    case "other-origin":
    case "origin-unknown":
    case "revoked":
      return diagnosis("revoked", error);
    case "wrong-bridge":
    case "other-host":
      return diagnosis("wrong-bridge", error);
    case "clock":
      return diagnosis("clock", error);
    case "not-paired": // another tab forgot it just now
      return diagnosis("not-paired", error);
    case "no-storage":
      return diagnosis("unsupported", error);
    case "handoff-closed":
    case "stopping":
      return diagnosis("not-running", error);
    case "too-many-requests":
      return diagnosis(error.signed ? "ready" : "wrong-bridge", error);
    default:
      // Only an answer that did what was asked shows that the bridge took the request for this page's own.
      return diagnosis(error.signed ? "wrong-bridge" : "too-old", error);
  }
}
