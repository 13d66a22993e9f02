// Every failure is a SaltbridgeError with a stable code, a sentence and a remedy. The bridge's own refusals keep the
// bridge's words, if they were signed. Of an answer that nobody signed only the code is taken, and only one that is
// known: a stranger's sentences are never shown to a person.

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
  constructor(code, message, { help = "", status = null, signed = false, requestId = null, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "SaltbridgeError";
    /** Stable: programs may rely on it. One of the bridge's, or of the client's own. @type {string} */
    this.code = code;
    /** What can be done about it. @type {string} */
    this.help = help;
    /** The HTTP status of a refusal. @type {number | null} */
    this.status = status;
    /** Whether the paired bridge signed this refusal. @type {boolean} */
    this.signed = signed;
    /** Names the request in what the bridge writes to its terminal. @type {string | null} */
    this.requestId = requestId;
  }
}

/** @type {Record<string, [message: string, help: string]>} */
const OWN = {
  unreachable: [
    "The bridge did not answer.",
    "Start it with: saltbridge serve. If it runs, the browser keeps this site from it, or the pairing was ended.",
  ],
  "not-paired": [
    "This browser is not paired with the bridge.",
    "Run: saltbridge pair, with the address of this site, and paste the code here.",
  ],
  "wrong-bridge": [
    "What answers is not the bridge that this browser was paired with.",
    "End the other program on that port and start your bridge with: saltbridge serve. If it was set up anew, pair again.",
  ],
  clock: [
    "The clocks of this browser and of the bridge differ by more than a minute.",
    "Set the computer's clock, then try again.",
  ],
  "bad-code": [
    "A pairing code is 16 letters and digits, in groups of four.",
    "Copy it as saltbridge pair shows it.",
  ],
  "bad-address": [
    "The bridge's address is http://127.0.0.1: and a port.",
    "Write it as saltbridge serve shows it: no name, no path, no slash at the end.",
  ],
  "bad-answer": [
    "The bridge answered something that this page does not understand.",
    "Reload the page, and install the newest saltbridge.",
  ],
  "cut-short": [
    "The file ended before it was whole. Nothing of it was used.",
    "See that the bridge still runs, then try again.",
  ],
  "not-readable": [
    "The browser cannot read the file any more.",
    "It was changed, moved or removed since it was chosen: choose it again.",
  ],
  "handoff-blocked": [
    "The browser did not let this page open a window.",
    "Allow pop-ups for this site, then press the button again.",
  ],
  "handoff-no-answer": [
    "The bridge's window did not answer.",
    "Start the bridge with: saltbridge serve. If it runs, this site may cut itself off from windows that it opens, with Cross-Origin-Opener-Policy: same-origin.",
  ],
  "handoff-closed": [
    "The bridge's window was closed.",
    "Leave it open until the work is done.",
  ],
  "no-storage": [
    "This browser does not let the page keep its key.",
    "Leave private browsing, or allow this site to store data, then pair again.",
  ],
  unsupported: [
    "This browser, or the way in which this page was loaded, lacks what is needed.",
    "Load the page over https in a current browser.",
  ],
};

/** The client's own codes. */
export const OWN_CODES = Object.keys(OWN);

/**
 * @param {string} code one of the client's own
 * @param {{message?: string, help?: string, status?: number | null, cause?: unknown}} [more]
 * @returns {SaltbridgeError}
 */
export function ownError(code, { message, help, ...more } = {}) {
  const [sentence = code, remedy = ""] = OWN[code] ?? [];
  return new SaltbridgeError(code, message ?? sentence, { help: help ?? remedy, ...more });
}

const AGAIN = "Run saltbridge pair again, with the address of this site as the browser shows it, and paste the new code.";

// What the bridge sends unsigned to a page that believes itself paired: docs/bridge-protocol.md, "Answers".
/** @type {Record<string, [message: string, help: string]>} */
const UNSIGNED = {
  "key-unknown": ["The bridge does not know this browser's key any more.", AGAIN],
  "other-origin": ["The bridge knows this browser's key as another site's.", AGAIN],
  "origin-unknown": ["The bridge does not know this site.", AGAIN],
  "no-origin": ["The browser did not tell the bridge which site asks.", ""],
  "other-host": ["The bridge has another address.", "Use the address that saltbridge serve shows."],
  "no-such-path": ["The bridge does not have this call.", "Install the newest saltbridge."],
  "other-method": ["The bridge does not have this call.", "Install the newest saltbridge."],
  "socket-only": ["This call is not for web pages.", ""],
  "not-invited": ["The bridge has no code for this site: it was used, or is older than two minutes.", AGAIN],
};
for (const code of [
  "http-version", "bad-target", "no-upgrade", "no-expectation", "not-fetch", "no-signature", "repeated-header",
  "bad-signature-input", "bad-signature-header", "missing-component", "unknown-component", "missing-parameter",
  "unknown-parameter", "bad-parameter", "bad-digest-header", "other-key", "bad-key-id", "not-handed-on", "not-own-page",
]) {
  UNSIGNED[code] = [`The bridge did not accept the form of the request (${code}).`, "Reload the page, and install the newest saltbridge."];
}

// While pairing nothing is signed yet.
/** @type {Record<string, [message: string, help: string]>} */
const PAIRING = {
  ...UNSIGNED,
  "wrong-code": ["The code is not the one that the bridge made for this site.", "Copy it again; it is still good."],
  "too-many-pairings": ["The bridge has too many pairings.", "End some with: saltbridge pairings revoke."],
  stale: ["The bridge did not accept the time of the request.", "Set the computer's clock, then try again."],
};

/**
 * A refusal that nobody signed.
 *
 * @param {string} code
 * @param {number | null} status if it is known
 * @param {"call" | "pairing"} during
 * @returns {SaltbridgeError | null} null if the bridge sends no such refusal unsigned
 */
export function unsignedRefusal(code, status, during) {
  const all = during === "pairing" ? PAIRING : UNSIGNED;
  const known = Object.hasOwn(all, code) ? all[code] : undefined;
  if (known) return new SaltbridgeError(code, known[0], { help: known[1], status });
  if (during === "call") return null;
  // Perhaps a disk that is full; the word may be a stranger's all the same, and is not shown.
  const help = "See what saltbridge serve says in its terminal.";
  return new SaltbridgeError(code, "The bridge did not pair, for a reason that this page does not know.", { help, status });
}

/**
 * A refusal that the bridge signed.
 *
 * @param {any} problem the JSON body
 * @param {number} status
 * @returns {SaltbridgeError}
 */
export function signedRefusal(problem, status) {
  const { code, detail, help, request_id: requestId } = problem ?? {};
  if (typeof code !== "string" || typeof detail !== "string") return ownError("bad-answer", { status });
  return new SaltbridgeError(code, detail, {
    help: typeof help === "string" ? help : "",
    status,
    signed: true,
    requestId: typeof requestId === "string" ? requestId : null,
  });
}

/** @param {unknown} code @returns {code is string} whether it has the form of one */
export function isCode(code) {
  return typeof code === "string" && /^[a-z][a-z0-9-]{0,40}$/.test(code);
}
