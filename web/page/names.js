// @ts-check
/**
 * Names under which files are saved. A file's name comes from whoever sent it: no name leads out of the folder for
 * downloads, hides its ending, or is hidden itself.
 */

const SEALED = ".sealed";
const LONGEST = 180;

// Control characters, those that turn the direction of writing, separators of folders, and what Windows does not take.
// eslint-disable-next-line no-control-regex
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff<>:"/\\|?*]/g;

/** @param {string} name @returns {string} */
export function fitName(name) {
  const fit = name.replace(UNFIT, "_").replace(/^[.\s]+/, "").replace(/[.\s]+$/, "");
  if (fit === "") return "file";
  if (fit.length <= LONGEST) return fit;
  const dot = fit.lastIndexOf(".");
  const ending = dot > 0 && fit.length - dot <= 20 ? fit.slice(dot) : "";
  return fit.slice(0, LONGEST - ending.length) + ending;
}

/** The name of what is in a sealed file. @param {string} name */
export function openedName(name) {
  const isSealed = name.toLowerCase().endsWith(SEALED);
  return fitName(isSealed ? name.slice(0, -SEALED.length) : name);
}

/** The name of a file once it is sealed. @param {string} name */
export function sealedName(name) {
  return fitName(name) + SEALED;
}
