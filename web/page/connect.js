// @ts-check
/**
 * Connecting a site: a code that the person carries into it. It is good for two minutes, for that site alone, once.
 * Whoever controls the page into which it is pasted is paired; so the site's address stands beside it wherever it is shown.
 */
import { announce, button, byId, copyButton, el, fill, icon, origin as originText } from "./dom.js";
import { mayDo } from "./sites.js";
import { explain } from "./words.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./sites.js").SitesView} SitesView */
/** @typedef {import("./sites.js").Pairing} Pairing */
/** @typedef {{code: string, origin: string, scopes: string[], expires_in: number}} Invitation */

/** How often it is looked whether the site has paired. */
const LOOK_EVERY = 2000;

/** At so many seconds before the end a screen reader says so. */
const SAY_AT = [60, 30, 10];

export class ConnectForm {
  #form = byId("connect-form", HTMLFormElement);
  #origin = byId("connect-origin", HTMLInputElement);
  #error = byId("connect-origin-error", HTMLElement);
  #card = byId("connect-code", HTMLElement);
  /** Ends what is shown for the code before. */
  #shown = new AbortController();

  /** @param {Connection} connection @param {SitesView} sites */
  constructor(connection, sites) {
    this.connection = connection;
    this.sites = sites;
    this.#origin.addEventListener("input", () => this.#blame(""));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#invite();
    });
  }

  async #invite() {
    const origin = this.#origin.value.trim();
    if (origin === "") return this.#blame("Give the site’s address: https://numerbay.ai");
    const boxes = [...this.#form.querySelectorAll("input")].filter(({ type }) => type === "checkbox");
    const scopes = boxes.filter(({ checked }) => checked).map(({ name }) => name);
    if (scopes.length === 0) return this.#blame("Choose at least one thing that it may ask for.");
    const before = await this.sites.refresh();
    try {
      /** @type {Invitation} */
      const invitation = await this.connection.askJson("POST", "/v1/pairings/codes", { json: { origin, scopes } });
      this.#show(invitation, before);
    } catch (error) {
      const { message, help } = explain(error);
      this.#blame(`${message} ${help}`.trim());
    }
  }

  /** @param {Invitation} invitation @param {Pairing[]} before */
  #show({ code, origin, scopes, expires_in }, before) {
    this.#shown.abort();
    this.#shown = new AbortController();
    const { signal } = this.#shown;
    const title = el("h3", { id: "code-title", tabindex: "-1" }, "Code for ", originText(origin));
    const groups = code.split("-");
    const left = el("span", { role: "timer", "aria-live": "off" });
    const bar = el("progress", { max: String(expires_in), value: String(expires_in), "aria-hidden": "true" });
    fill(
      this.#card,
      title,
      el("p", { class: "pairing-code" }, el("span", { class: "unseen" }, groups.map((group) => [...group].join(" ")).join(", ")),
        ...groups.map((group) => el("span", { class: "group", "aria-hidden": "true" }, group))),
      el("div", { class: "actions" }, copyButton(code, "the code", true), left),
      bar,
      el("p", { class: "aside" }, el("strong", {}, `Paste it into ${origin} and nowhere else.`),
        " Look at the address bar first. Nobody needs it by mail, chat or telephone."),
      el("p", { class: "hint" }, `It will be allowed to ${mayDo(scopes)}. The code is good once.`),
    );
    this.#card.hidden = false;
    title.focus();
    announce(`The code is good for ${Math.round(expires_in / 60)} minutes.`);
    void this.#countDown(expires_in, left, bar, signal);
    void this.#awaitPairing(origin, before, signal);
  }

  /** @param {number} seconds @param {HTMLElement} left @param {HTMLProgressElement} bar @param {AbortSignal} signal */
  async #countDown(seconds, left, bar, signal) {
    const end = Date.now() + seconds * 1000;
    let said = Infinity;
    for (;;) {
      const remaining = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      left.textContent = `${Math.floor(remaining / 60)}:${String(remaining % 60).padStart(2, "0")} left`;
      bar.value = remaining;
      const say = SAY_AT.find((at) => remaining <= at && at < said && at < seconds);
      if (say !== undefined && remaining > 0) {
        said = say;
        announce(`${remaining} seconds left for the code.`);
      }
      if (remaining === 0) return this.#expire();
      await new Promise((done) => setTimeout(done, 1000 - (Date.now() % 1000)));
      if (signal.aborted || this.connection.isOver) return;
    }
  }

  #expire() {
    const again = button("Show a new one", () => void this.#invite(), { class: "primary" });
    this.#conclude(
      el("h3", { id: "code-title", tabindex: "-1" }, "The code has ended"),
      el("p", {}, "It was good for two minutes, and nobody used it."),
      el("div", { class: "actions" }, again),
    );
    announce("The code has ended.");
  }

  /** @param {string} origin @param {Pairing[]} before @param {AbortSignal} signal */
  async #awaitPairing(origin, before, signal) {
    const known = new Map(before.filter((pairing) => pairing.origin === origin).map(({ key_id, paired_at }) => [key_id, paired_at]));
    while (!signal.aborted && !this.connection.isOver) {
      await new Promise((done) => setTimeout(done, LOOK_EVERY));
      if (signal.aborted || this.connection.isOver) return;
      const pairings = await this.sites.refresh();
      const isNew = pairings.some((pairing) => pairing.origin === origin && known.get(pairing.key_id) !== pairing.paired_at);
      if (isNew && !signal.aborted) return this.#succeed(origin);
    }
  }

  /** @param {string} origin */
  #succeed(origin) {
    this.#conclude(
      el("h3", { id: "code-title", tabindex: "-1" }, icon("check"), originText(origin), " is connected"),
      el("p", {}, "The code is used up. The site stands in the list above, where you can revoke it."),
    );
    this.#origin.value = "";
    announce(`${origin} is connected.`);
  }

  /** The code is no good any more. Who was reading there goes on reading there. @param {...Element} children */
  #conclude(...children) {
    this.#shown.abort();
    const isRead = this.#card.contains(document.activeElement);
    fill(this.#card, ...children);
    if (isRead) byId("code-title", HTMLElement).focus();
  }

  /** @param {string} why */
  #blame(why) {
    this.#error.textContent = why;
    if (why === "") return this.#origin.removeAttribute("aria-invalid");
    this.#origin.setAttribute("aria-invalid", "true");
    this.#origin.focus();
  }
}
