// The script of a hostile page: the lab tells it which attack to make.

import { EMBEDS } from "./embeds.mjs";
import { FETCHES } from "./fetches.mjs";
import { HANDOFF, OWN_PAGE } from "./openers.mjs";
import { listen, read } from "./spy.mjs";

listen();

/**
 * @param {string} name
 * @param {import("./fetches.mjs").Aim} aim
 * @returns {Promise<string[]>} what it could read
 */
globalThis.attack = async (name, aim) => {
  const found = [...FETCHES, ...EMBEDS, ...HANDOFF, ...OWN_PAGE].find((attack) => attack.name === name);
  await found?.attempt(aim);
  if (!found) throw new Error(`there is no attack ${name}`);
  return read.splice(0);
};
