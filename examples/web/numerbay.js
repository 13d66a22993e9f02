// What NumerBay's app would have instead of asking an injected wallet for signatures: the same three functions, for a
// Ledger behind saltbridge. The site never sees a signature, and a private key only in exportKeyPair.

import { Saltbridge } from "saltbridge";

import { getUser, updateUser } from "./backend.js";

/** @import { BridgeEvent } from "saltbridge" */
/** @typedef {{onEvent?: (event: BridgeEvent) => void, signal?: AbortSignal}} Watched */

const address = document.querySelector("meta[name=saltbridge]")?.getAttribute("content") ?? undefined;

/** The bridge on the person's computer. */
export const bridge = new Saltbridge({ address });

/**
 * Makes a key pair and stores it in the profile. The Ledger asks twice: the second time shows that the key opens again.
 * A key pair that stands there is replaced, and with it goes the key to all files that were sealed for it.
 *
 * @param {Watched} [watched]
 */
export async function generateKeyPair({ onEvent, signal } = {}) {
  const user = await getUser();
  const account = user.public_address ?? undefined;
  const { public_key, encrypted_private_key } = await bridge.createKeys({ address: account }, { onEvent, signal });
  const { social_discord, social_linkedin, social_twitter, social_website } = user;
  // The service erases the links that a request does not repeat.
  const links = { social_discord, social_linkedin, social_twitter, social_website };
  return updateUser({ ...links, public_key, encrypted_private_key });
}

/**
 * The key pair as the text of `numerbay.json`, not encrypted. The Ledger asks, and says for what.
 *
 * @param {Watched} [watched]
 * @returns {Promise<Blob>}
 */
export async function exportKeyPair({ onEvent, signal } = {}) {
  const handle = await unlock("export", { onEvent, signal });
  return bridge.export(handle, { onEvent, signal });
}

/**
 * Opens a file. The Ledger asks for the first one; for as long as the bridge keeps the key, not for the next ones.
 *
 * @param {Blob} file
 * @param {Watched} [watched]
 * @returns {Promise<Blob>}
 */
export async function decryptfileV2(file, { onEvent, signal } = {}) {
  const handle = await unlock("decrypt", { onEvent, signal });
  return bridge.decrypt(handle, file, { signal });
}

/**
 * Has the Ledger open the profile's envelope. The key stays in the bridge; what the site gets names it.
 *
 * @param {"decrypt" | "export"} purpose
 * @param {Watched} watched
 */
async function unlock(purpose, watched) {
  const { encrypted_private_key_v2: envelope, public_key_v2, public_address } = await getUser();
  if (!envelope) throw new Error("Your profile has no key pair yet: generate one.");
  const known = { public_key: public_key_v2 ?? undefined, address: public_address ?? undefined };
  const { handle } = await bridge.unwrap({ envelope, ...known, for: purpose }, watched);
  return handle;
}
