// What is shown while a call waits: above all, what the Ledger is about to ask, so that the person can compare.

/** @import { BridgeEvent, PromptEvent } from "saltbridge" */
/** @typedef {Extract<BridgeEvent, {event: "waiting"}>} WaitingEvent */

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {Record<WaitingEvent["for"], string>} */
const WAITING = {
  device: "Plug in your Ledger.",
  "other-process": "Another program is using your Ledger. It goes on when that is done.",
  unlocking: "Unlock your Ledger: enter its PIN.",
  app: "Open the Ethereum app on your Ledger.",
  opening: "Your Ledger asks whether to open the Ethereum app. Confirm it there.",
  return: "Close the app that is open on your Ledger.",
  account: "This Ledger does not have your account. Plug in the one that has it.",
};

/** @type {Record<PromptEvent["purpose"], string>} */
const PURPOSES = {
  open: "to open your key",
  seal: "to seal your new key",
  export: "to give your key away: this site will have it, not encrypted",
};

/** @type {Partial<Record<BridgeEvent["event"], string>>} */
const PLAIN = {
  queued: "Your Ledger is answering another question. This one is next.",
  again: "Your Ledger was away. It asks again.",
  unplugged: "Your Ledger was unplugged.",
  "others-listen": "Careful: another program has your Ledger open, too, and can read its answers. Close it first.",
};

/** @param {BridgeEvent} event */
export function show(event) {
  if (event.event === "prompt") return ask(event);
  if (event.event === "answered") at("prompt").hidden = true;
  if (event.event === "waiting") at("step").textContent = WAITING[event.for] ?? "Waiting for your Ledger.";
  else if (event.event === "told") at("step").textContent = event.text;
  else at("step").textContent = PLAIN[event.event] ?? at("step").textContent;
}

/** @param {PromptEvent} prompt */
function ask({ purpose, number, of, address, message }) {
  const which = of > 1 ? ` (${number} of ${of})` : "";
  at("prompt-purpose").textContent = `Your Ledger asks for a signature${which} by ${address}, ${PURPOSES[purpose]}. It shows:`;
  at("prompt-message").textContent = message;
  at("prompt").hidden = false;
}
