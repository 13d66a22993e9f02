// The page itself: its buttons, and what is seen of what they do.

import { SaltbridgeError } from "saltbridge";

import { getUser } from "./backend.js";
import { bridge, decryptfileV2, exportKeyPair, generateKeyPair } from "./numerbay.js";
import { show } from "./watching.js";

/** @param {string} id @returns {any} */
const at = (id) => document.getElementById(id);

/** Ends what is under way. @type {AbortController | null} */
let work = null;

/** What stands between this page and the bridge, and what the person can do about it. */
async function check() {
  const { state, message, help } = await bridge.diagnose();
  const isPaired = await bridge.isPaired().catch(() => false);
  at("state").dataset.state = state;
  at("state").textContent = bridge.handoff ? `${message} It is reached through its window.` : message;
  at("help").textContent = help;
  at("connect").hidden = true;
  const isUndecided = state === "permission-undecided";
  if (["not-paired", "revoked", "wrong-bridge"].includes(state) || (isUndecided && !isPaired)) offerToConnect();
  at("ask-browser").hidden = !(isUndecided && isPaired);
  at("open-window").hidden = !["permission-denied", "page-csp"].includes(state);
  at("disconnect").hidden = !isPaired;
}

/** Asks for a code. @param {string} [scopes] if this site needs others than everybody gets */
function offerToConnect(scopes) {
  at("command").textContent = `saltbridge pair ${location.origin}${scopes ? ` --scope ${scopes}` : ""}`;
  at("connect").hidden = false;
}

async function showProfile() {
  const { public_key_v2, public_address } = await getUser();
  at("public-key").textContent = public_key_v2 ?? "none";
  at("account").textContent = public_address ?? "the first one of your Ledger";
  if (!at("buyer").value) at("buyer").value = public_key_v2 ?? "";
}

/**
 * Does one thing at a time, and shows what is waited for, what came of it, and what went wrong.
 *
 * @param {(watched: {onEvent: typeof show, signal: AbortSignal}) => Promise<string>} task gives what to say at the end
 */
async function run(task) {
  if (work) return;
  work = new AbortController();
  const pressed = document.activeElement;
  for (const button of document.querySelectorAll("button")) button.disabled = button.id !== "cancel";
  for (const id of ["failure", "failure-help", "done", "step"]) at(id).textContent = "";
  at("files").replaceChildren();
  at("outcome").hidden = at("prompt").hidden = true;
  at("step").textContent = "saltbridge is at work …";
  at("working").hidden = false;
  at("working").scrollIntoView({ block: "nearest" });
  let lacksScope = false;
  try {
    at("done").textContent = await task({ onEvent: show, signal: work.signal });
  } catch (error) {
    if (!work.signal.aborted) {
      at("failure").textContent = error instanceof Error ? error.message : String(error);
      at("failure-help").textContent = error instanceof SaltbridgeError ? error.help : "";
      lacksScope = error instanceof SaltbridgeError && error.code === "scope-missing";
    }
  } finally {
    at("working").hidden = true;
    at("outcome").hidden = work.signal.aborted;
    at("outcome").scrollIntoView({ block: "nearest" });
    work = null;
    for (const button of document.querySelectorAll("button")) button.disabled = false;
    await check();
    // A button that was switched off has lost the keyboard.
    if (pressed instanceof HTMLElement && document.activeElement === document.body) pressed.focus();
    if (lacksScope) offerToConnect("create,decrypt,encrypt,export");
  }
}

/** Offers a file to be saved. @param {string} name @param {Blob} content */
function offer(name, content) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(content);
  link.textContent = `Save ${name} (${content.size} bytes)`;
  const item = document.createElement("li");
  item.append(link);
  at("files").append(item);
}

at("connect").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  run(async ({ signal }) => {
    const { scopes } = await bridge.pair(at("code").value, { signal });
    at("code").value = "";
    return `Connected. This site may: ${scopes.join(", ")}.`;
  });
});

at("ask-browser").addEventListener("click", () =>
  run(async ({ signal }) => {
    await bridge.status({ signal });
    return "The browser lets this site reach saltbridge.";
  }),
);

// The window has to be opened within the click itself.
at("open-window").addEventListener("click", () => {
  const opened = bridge.openHandoff();
  run(async () => {
    await opened;
    return "The saltbridge window is open. Leave it open while you work here.";
  });
});

at("check").addEventListener("click", () => check());

at("disconnect").addEventListener("click", () =>
  run(async () => {
    await bridge.unpair();
    return `Disconnected in this browser. To end it for good: saltbridge pairings revoke ${location.origin}`;
  }),
);

at("generate").addEventListener("click", () =>
  run(async (watched) => {
    const { public_key_v2 } = await generateKeyPair(watched);
    at("buyer").value = "";
    await showProfile();
    return `Your profile has a new key pair: ${public_key_v2}`;
  }),
);

at("export").addEventListener("click", () =>
  run(async (watched) => {
    offer("numerbay.json", await exportKeyPair(watched));
    return "Your key pair, not encrypted. Whoever has this file opens your files.";
  }),
);

at("decrypt").addEventListener("click", () =>
  run(async (watched) => {
    for (const file of chosen("bought")) offer(file.name.replace(/\.sealed$/, ""), await decryptfileV2(file, watched));
    return "Decrypted.";
  }),
);

at("encrypt").addEventListener("click", () =>
  run(async ({ signal }) => {
    const buyer = at("buyer").value.trim();
    for (const file of chosen("sold")) offer(`${file.name}.sealed`, await bridge.encrypt(buyer, file, { signal }));
    return "Encrypted. Only the buyer can open it.";
  }),
);

at("cancel").addEventListener("click", () => work?.abort());

/** @param {string} id @returns {File[]} */
function chosen(id) {
  const files = [...at(id).files];
  if (files.length === 0) throw new Error("Choose a file first.");
  return files;
}

await showProfile();
await check();
