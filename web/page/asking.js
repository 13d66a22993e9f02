// @ts-check
/**
 * The dialog that stands there while the Ledger is needed: what is waited for, and before the device asks, all that it is
 * about to show.
 *
 * One call at a time. It opens as soon as a person has something to do, not for calls that need nobody.
 */
import { byId, code, el, facts, fill, icon } from "./dom.js";
import { PURPOSES, WAITING } from "./words.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./connection.js").BridgeEvent} BridgeEvent */
/** @typedef {import("./dom.js").Child} Child */

/** A call that takes longer than this shows that it does. */
const SOON = 700;

export class Asking {
  #dialog = byId("ask", HTMLDialogElement);
  #body = byId("ask-body", HTMLElement);
  #live = byId("ask-live", HTMLElement);
  #stop = byId("ask-stop", HTMLButtonElement);
  /** @type {AbortController | null} */
  #underWay = null;
  /** @type {BridgeEvent | null} */
  #prompt = null;
  /** Whether the dialog stands there for the call that is under way. */
  #isShown = false;
  #begin = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #soon;

  /** @param {Connection} connection */
  constructor(connection) {
    connection.onEvent((event) => this.#happened(event));
    this.#stop.addEventListener("click", () => this.#underWay?.abort());
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#underWay?.abort();
    });
    // Escape pressed twice closes a dialog, whatever its page says.
    this.#dialog.addEventListener("close", () => {
      if (this.#isShown && !this.#dialog.open) this.#underWay?.abort();
    });
  }

  /** @param {() => void} begin  Is called before each call. */
  onBegin(begin) {
    this.#begin = begin;
  }

  get isBusy() {
    return this.#underWay !== null;
  }

  /**
   * Makes a call for which the Ledger may be needed.
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} call
   * @returns {Promise<T>}
   */
  async run(call) {
    if (this.#underWay !== null) throw refusal("busy", "something else is under way", "finish that first");
    const underWay = new AbortController();
    this.#underWay = underWay;
    this.#begin();
    this.#soon = setTimeout(() => this.#say("One moment", "The bridge is talking to your Ledger.", "dots"), SOON);
    try {
      return await call(underWay.signal);
    } catch (error) {
      throw underWay.signal.aborted ? refusal("aborted", "you stopped waiting", "") : error;
    } finally {
      clearTimeout(this.#soon);
      this.#underWay = null;
      this.#prompt = null;
      this.#isShown = false;
      if (this.#dialog.open) this.#dialog.close();
      fill(this.#body);
      this.#live.textContent = "";
    }
  }

  /** @param {BridgeEvent} event */
  #happened(event) {
    if (this.#underWay === null) return;
    switch (event.event) {
      case "queued":
        return this.#say("One moment", "Your Ledger is busy with something else first. If it asks something, answer that.", "dots");
      case "waiting": {
        const { title, text, glyph } = WAITING[event["for"]] ?? { title: "One moment", text: "", glyph: "dots" };
        return this.#say(title, text, glyph);
      }
      case "prompt":
        this.#prompt = event;
        return this.#showPrompt(event, "");
      case "again":
        return this.#prompt ? this.#showPrompt(this.#prompt, "The Ledger was away in between, and asks again: compare once more.") : undefined;
      case "answered":
        return this.#prompt && this.#prompt["number"] === this.#prompt["of"]
          ? this.#say("Thank you", "Your Ledger has answered.", "check")
          : undefined;
      case "told":
        return this.#prompt === null ? this.#say("One moment", String(event["text"]), "dots") : undefined;
    }
  }

  /** @param {string} title @param {string} text @param {string} glyph */
  #say(title, text, glyph) {
    this.#put(title, text, [
      el("div", { class: "ask-step" },
        el("span", { class: glyph === "dots" ? "round busy" : "round" }, icon(glyph)),
        el("div", {}, heading(title), el("p", {}, text))),
    ]);
  }

  /** @param {BridgeEvent} prompt @param {string} remark */
  #showPrompt(prompt, remark) {
    const { who, purpose, number, of, address, path, public_key, message } = prompt;
    const isRepeated = number > 1;
    const title = isRepeated ? "The same once more, on your Ledger" : "Compare, then answer on your Ledger";
    const purposeWords = PURPOSES[purpose] ?? String(purpose);
    const live = `${remark} ${who} asks ${purposeWords}. Account ${address}. The Ledger shows: ${message}`;
    this.#put(title, live, [
      el("p", { class: "eyebrow" }, of > 1 ? `Approval ${number} of ${of}` : "One approval"),
      heading(title),
      remark !== "" && el("p", { class: "caution" }, remark),
      isRepeated && el("p", {}, "The text of before, a second time: so it is sure that the envelope opens again."),
      purpose === "export" && el("div", { class: "warning" }, icon("alert"),
        el("p", {}, el("strong", {}, "This gives your private key away, not encrypted."), " If you do not want that, reject it.")),
      facts([
        ["Who asks", `${who}: this one`],
        ["What for", purposeWords],
        ["Key", public_key ? code(public_key) : "the one in the envelope"],
        ["Account", el("span", {}, code(address), " ", el("span", { class: "path" }, path))],
      ]),
      el("figure", { class: "shown" }, el("figcaption", {}, "Your Ledger shows"),
        el("div", { class: "screen-text" }, el("p", {}, "Review message"), el("pre", {}, String(message)), el("p", {}, "Sign message"))),
      el("ul", { class: "how" },
        el("li", {}, el("strong", {}, "The same text?"), " Nano: right button to the end, both buttons on “Sign message”. Stax, Flex, Nano Gen5: swipe to the end, hold “Hold to sign”."),
        el("li", {}, el("strong", {}, "Another text?"), " Reject it.")),
    ]);
    this.#dialog.scrollTop = 0;
  }

  /** @param {string} title @param {string} live  What is said beside the title. @param {Child[]} children */
  #put(title, live, children) {
    clearTimeout(this.#soon);
    const isOnStop = this.#dialog.open && document.activeElement === this.#stop;
    fill(this.#body, ...children);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#isShown = true;
    // Not on the button: who has just pressed Enter may press it again.
    if (!isOnStop) byId("ask-title", HTMLElement).focus({ preventScroll: true });
    this.#live.textContent = isOnStop ? `${title}. ${live}` : live;
  }
}

/** @param {string} title */
function heading(title) {
  return el("h2", { id: "ask-title", tabindex: "-1" }, title);
}

/** @param {string} code @param {string} message @param {string} help */
function refusal(code, message, help) {
  return Object.assign(new Error(message), { code, help });
}
