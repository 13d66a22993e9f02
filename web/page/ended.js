// @ts-check
/** What stands there when this page can do nothing any more, and what to do then. */
import { byId, commandLine, el, fill } from "./dom.js";
import { codeOf } from "./connection.js";
import { explain } from "./words.js";

/** @typedef {{title: string, text: string, isSuspicious?: boolean}} Ending */

/** @type {Ending} */
const NO_CODE = {
  title: "This page has ended",
  text: "It works once: from when it is opened until it is closed or loaded again. Nothing of it is kept, neither keys nor files.",
};

/** @type {Ending} */
const USED = {
  title: "This address was used already",
  text: "It is good for one page, once, and for a short time. Perhaps another tab of yours has it.",
};

/** @type {Ending} */
const LOST = {
  title: "The connection to your bridge has ended",
  text: "The bridge was stopped, this computer slept, or nothing was done here for an hour. Keys that were unlocked are forgotten.",
};

/** @type {Ending} */
const STRANGER = {
  title: "This is not your bridge",
  text: "Something else on this computer answered in its place. Nothing of it was believed. Close this page; if it happens again, find out what runs on this computer before you go on.",
  isSuspicious: true,
};

/** @type {Record<string, Ending>} */
const ENDINGS = {
  "no-code": NO_CODE,
  "unreachable": LOST,
  "stopping": LOST,
  "wrong-bridge": STRANGER,
  "wrong-code": USED,
  "bad-code": USED,
  "not-invited": USED,
  "origin-unknown": USED,
  "key-unknown": LOST,
  "revoked": LOST,
  "": LOST,
};

/**
 * The links to what was made, to be shown once more; but a private key is not kept where all keys are forgotten.
 *
 * @returns {HTMLAnchorElement[]}
 */
function takeWhatWasMade() {
  const links = [...document.querySelectorAll("#app a[download]")].filter((link) => link instanceof HTMLAnchorElement);
  const isKey = (/** @type {HTMLAnchorElement} */ link) => link.closest("#view-export") !== null;
  for (const link of links.filter(isKey)) URL.revokeObjectURL(link.href);
  return links.filter((link) => !isKey(link));
}

/** @param {unknown} reason  What ended it. */
export function end(reason) {
  const { message, help } = explain(reason);
  const ending = ENDINGS[codeOf(reason)] ?? { title: "This page cannot go on", text: `${message} ${help}` };
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog instanceof HTMLDialogElement && dialog.close());
  byId("starting", HTMLElement).hidden = true;
  byId("app", HTMLElement).hidden = true;
  document.title = `${ending.title} – saltbridge`;
  const made = takeWhatWasMade();
  const mark = document.querySelector(".mark")?.cloneNode(true);
  const title = el("h1", { tabindex: "-1" }, ending.title);
  const ended = byId("ended", HTMLElement);
  fill(
    ended,
    el("div", { class: ending.isSuspicious ? "ended suspicious" : "ended" },
      mark,
      title,
      el("p", { class: "lead" }, ending.text),
      el("p", {}, ending.isSuspicious ? "Once you know what it was, run this in a terminal:" : "To go on, run this in a terminal:"),
      commandLine("saltbridge open"),
      el("p", { class: "hint" }, "If it says that no bridge is running, start one first, in a terminal of its own:"),
      commandLine("saltbridge serve"),
      made.length > 0 && el("h2", {}, "What was made is still here"),
      made.length > 0 && el("p", {}, "Save it before you close this page."),
      made.length > 0 && el("ul", { class: "made" }, ...made.map((link) => el("li", {}, `${link.download} `, link)))),
  );
  ended.hidden = false;
  title.focus();
}
