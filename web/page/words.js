// @ts-check
/**
 * What the device's states and the bridge's refusals are called before people. What stands here takes the place of the
 * bridge's own remedy where that speaks of the command line; its sentence of what happened is kept.
 */

/**
 * @typedef {object} StateWords
 * @property {"idle" | "good" | "wait" | "bad"} tone
 * @property {string} glyph  A picture of index.html.
 * @property {string} title
 * @property {string} [short]  In a list of several.
 * @property {string} [next]  What the person can do.
 * @property {string} [command]  A command for the terminal.
 */

/** @type {StateWords} */
const ABSENT = {
  tone: "wait",
  glyph: "plug",
  title: "Plug in your Ledger",
  next: "Use a cable that carries data, and unlock the Ledger with its PIN. Is it plugged in already? This tells why it is not seen:",
  command: "saltbridge doctor",
};

/** @type {StateWords} */
const LOCKED = {
  tone: "wait",
  glyph: "lock",
  title: "Unlock your Ledger",
  short: "locked",
  next: "Enter the PIN on the device.",
};

/** @type {StateWords} */
const IN_USE = {
  tone: "wait",
  glyph: "alert",
  title: "Another program is using your Ledger",
  short: "used by another program",
  next: "Close it: a wallet, Ledger’s own software, or another saltbridge. If the device asks something, answer that first.",
};

/** @type {Record<string, StateWords>} */
const STATES = {
  "checking": { tone: "idle", glyph: "dots", title: "Looking for your Ledger …" },
  "unknown": { tone: "idle", glyph: "dots", title: "Your Ledger has not been asked yet", next: "Press “Check again”." },
  "not-plugged-in": ABSENT,
  "plugged-in": { tone: "idle", glyph: "dots", title: "Your Ledger is plugged in", next: "Looking what it is doing …" },
  "locked": LOCKED,
  "device-locked": LOCKED,
  "app-not-open": {
    tone: "wait",
    glyph: "app",
    title: "Open the Ethereum app",
    short: "no app is open",
    next: "Choose it on the device. Or go on here: when the device is needed, it offers to open the app by itself.",
  },
  "other-app": {
    tone: "wait",
    glyph: "app",
    title: "Another app is open on your Ledger",
    short: "another app is open",
    next: "Close it and open the Ethereum app. Or go on here: when the device is needed, the bridge does that.",
  },
  "ready": { tone: "good", glyph: "check", title: "Your Ledger is ready", short: "ready" },
  "asking": {
    tone: "wait",
    glyph: "question",
    title: "Your Ledger is asking you",
    next: "Compare what it shows, then answer on the device.",
  },
  "opening": { tone: "wait", glyph: "app", title: "Your Ledger offers to open Ethereum", next: "Say yes on the device." },
  "asking-elsewhere": {
    tone: "wait",
    glyph: "question",
    title: "Your Ledger is asking you for somebody else",
    next: "Not for this page: whoever asks, a site or a command, says what for. Compare it there, and if you know of none, reject it.",
  },
  "in-use": IN_USE,
  "device-busy": IN_USE,
  "device-disturbed": IN_USE,
  "no-permission": {
    tone: "bad",
    glyph: "lock",
    title: "Your computer does not let you use the Ledger",
    short: "not yours to use: saltbridge doctor tells why",
    next: "It is plugged in, but the system does not give it to you; a rule is missing, perhaps. This tells which, and the commands that mend it:",
    command: "saltbridge doctor",
  },
  "cannot-open-device": {
    tone: "bad",
    glyph: "alert",
    title: "Your Ledger does not open",
    next: "Unplug it and plug it in again. If it stays so, this tells more:",
    command: "saltbridge doctor",
  },
  "several-devices": {
    tone: "wait",
    glyph: "question",
    title: "Several Ledgers are plugged in",
    next: "With your profile, the one that has its account is used. Otherwise leave in the one that you want to use.",
  },
  "device-not-set-up": {
    tone: "wait",
    glyph: "alert",
    title: "Your Ledger is not set up",
    next: "It needs a PIN and a recovery phrase first: follow what it shows.",
  },
  "app-not-installed": {
    tone: "wait",
    glyph: "app",
    title: "The Ethereum app is not on your Ledger",
    next: "Install it with Ledger’s own software, then come back.",
  },
  "app-too-old": {
    tone: "wait",
    glyph: "app",
    title: "The Ethereum app on your Ledger is too old",
    next: "Update it with Ledger’s own software, then come back.",
  },
  "prompt-pending": {
    tone: "wait",
    glyph: "question",
    title: "Your Ledger may still be asking something",
    next: "A program ended while the device was asking. Reject what it still shows. Once its screen asks nothing, run this:",
    command: "saltbridge address --device-idle",
  },
  "no-device": { tone: "wait", glyph: "plug", title: "Your Ledger does not answer" },
  "link-lost": {
    tone: "wait",
    glyph: "plug",
    title: "The connection to your Ledger broke off",
    next: "See that it is on and plugged in.",
  },
  "no-answer": {
    tone: "bad",
    glyph: "alert",
    title: "Your Ledger does not answer",
    next: "Unplug it, plug it in again, and unlock it.",
  },
};

/**
 * @param {string} state  A state or a code of docs/errors.md.
 * @param {{message?: string | null, help?: string | null}} [told]  What the bridge says of it.
 * @returns {StateWords}
 */
export function stateWords(state, told = {}) {
  const words = STATES[state] ?? { tone: "bad", glyph: "alert", title: sentence(told.message) || "Your Ledger cannot be used" };
  return words.next === undefined && told.help ? { ...words, next: sentence(told.help) } : words;
}

/** What a call waits for, by the name that the event `waiting` has for it. @type {Record<string, {title: string, text: string, glyph: string}>} */
export const WAITING = {
  "device": { title: "Plug in your Ledger", text: "Then unlock it with its PIN. This goes on by itself.", glyph: "plug" },
  "unlocking": { title: "Unlock your Ledger", text: "Enter the PIN on the device. This goes on by itself.", glyph: "lock" },
  "app": { title: "Open the Ethereum app", text: "Choose it on the device. This goes on by itself.", glyph: "app" },
  "opening": { title: "Your Ledger offers to open Ethereum", text: "Say yes on the device.", glyph: "app" },
  "return": { title: "One moment", text: "Your Ledger is changing apps.", glyph: "dots" },
  "account": {
    title: "Which Ledger is it?",
    text: "Several are plugged in. Unlock the one that has your account, and open its Ethereum app.",
    glyph: "question",
  },
  "other-process": {
    title: "Another program is using your Ledger",
    text: "Close it, or answer what it asks on the device. This goes on by itself.",
    glyph: "alert",
  },
};

/** @type {Record<string, string>} */
const HELP = {
  "refused": "Nothing was done. Press the button again if you want it after all.",
  "refused-unasked": "Press the button again. If it stays so, unplug the Ledger and plug it in again.",
  "device-locked": "Unlock it with its PIN, then press the button again.",
  "link-lost": "See that the Ledger is on and plugged in, then press the button again.",
  "account-not-found":
    "The usual places on this Ledger were searched, 20 accounts each. Another Ledger, or another passphrase, has other accounts.",
  "wrong-account": "Another Ledger, or another passphrase, has other accounts.",
  "several-devices": "Leave in the one that you want to use, and press the button again.",
  "invalid-command": "Press the button again. If it stays so, update the Ethereum app on the Ledger.",
  "device-disturbed": "Close the other program, reject what the Ledger still asks, and press the button again.",
  "prompt-pending":
    "Reject what the Ledger still shows. Once its screen asks nothing, run saltbridge address --device-idle in a terminal.",
  "no-such-key": "Press the button again to unlock it once more.",
  "bad-origin": "Copy it from the site’s address bar: https:// and the name, as in https://numerbay.ai, and nothing behind it.",
  "bad-public-key": "A public key is 44 characters that end with “=”. Copy all of it.",
  "low-order-recipient": "Do not use this key: everybody could open the file.",
  "box-does-not-open":
    "It was sealed for another key, an older one of yours perhaps (then take the profile of that time), or the download is damaged.",
  "box-too-short": "It is no sealed file, or the download broke off. Download it again.",
  "legacy-envelope": "It was made before 24 September 2022, in a way that a Ledger does not open.",
  "too-many-prompts": "Wait a minute, then press the button again.",
  "public-key-mismatch": "The envelope is of another time than the public key: take both from one profile.",
  "unreachable": "See that saltbridge serve still runs in its terminal.",
  "bad-answer": "Install the newest saltbridge, then run saltbridge open again.",
  "clock": "Set the clock of this computer, then run saltbridge open again.",
  "unsupported": "Open this page in a current Chromium, Firefox or Safari.",
  "aborted": "If your Ledger still asks, reject it there.",
};

/**
 * What went wrong, in a sentence, and what to do about it.
 * @param {unknown} error
 * @returns {{code: string, message: string, help: string}}
 */
export function explain(error) {
  const { code, message, help } = /** @type {{code?: unknown, message?: unknown, help?: unknown}} */ (error ?? {});
  if (typeof code !== "string") return { code: "failed", message: "This page made a mistake.", help: "Run saltbridge open again. If it stays so, report it." };
  return { code, message: sentence(message), help: HELP[code] ?? sentence(help) };
}

/** What a site may ask for. @type {Record<string, string>} */
export const SCOPES = { create: "make key pairs", decrypt: "open files", encrypt: "seal files", export: "export your private key" };

/** What a key is wanted for, by the prompt's `purpose`. @type {Record<string, string>} */
export const PURPOSES = {
  open: "to open files with your key",
  seal: "to put a new key into an envelope",
  export: "to give your private key away, not encrypted",
};

/**
 * A text of the bridge's as a sentence: it begins with a capital, and ends.
 * @param {unknown} text
 * @returns {string}
 */
export function sentence(text) {
  if (typeof text !== "string" || text === "") return "";
  const begun = /^saltbridge\b/.test(text) ? text : text[0]?.toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
