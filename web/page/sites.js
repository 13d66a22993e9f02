// @ts-check
/** The sites that are paired with the bridge: listed, and revoked. */
import { announce, button, byId, day, el, fill, origin as originText, tellFailure } from "./dom.js";
import { SCOPES, explain } from "./words.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {{origin: string, key_id: string, scopes: string[], paired_at: number}} Pairing */

/** A site pairs once in each browser. @param {Pairing[]} pairings @returns {Map<string, Pairing[]>} */
function byOrigin(pairings) {
  /** @type {Map<string, Pairing[]>} */
  const sites = new Map();
  for (const pairing of pairings) sites.set(pairing.origin, [...(sites.get(pairing.origin) ?? []), pairing]);
  return sites;
}

/** @param {string[]} scopes */
export function mayDo(scopes) {
  const words = scopes.map((scope) => SCOPES[scope] ?? scope);
  const last = words.pop();
  return words.length > 0 ? `${words.join(", ")} and ${last}` : (last ?? "nothing");
}

export class SitesView {
  #list = byId("sites-list", HTMLElement);
  #note = byId("sites-note", HTMLElement);
  #drawn = "";

  /** @param {Connection} connection */
  constructor(connection) {
    this.connection = connection;
  }

  /** Asks who is paired, and shows it. @returns {Promise<Pairing[]>} none if that cannot be told now */
  async refresh() {
    try {
      /** @type {{pairings: Pairing[]}} */
      const { pairings } = await this.connection.askJson("GET", "/v1/pairings");
      // This page is paired, too, for as long as it is open.
      const others = pairings.filter(({ origin }) => origin !== location.origin);
      this.#draw(others);
      return others;
    } catch (error) {
      if (!this.connection.isOver) tellFailure(this.#note, explain(error));
      return [];
    }
  }

  /** @param {Pairing[]} pairings */
  #draw(pairings) {
    const drawn = JSON.stringify(pairings);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    if (pairings.length === 0) {
      fill(this.#list, el("p", { class: "empty" }, "No site is connected."));
      return;
    }
    fill(this.#list, el("ul", { class: "sites" }, ...[...byOrigin(pairings)].map(([origin, browsers]) => this.#site(origin, browsers))));
  }

  /** @param {string} origin @param {Pairing[]} browsers */
  #site(origin, browsers) {
    const revoke = button("Revoke", () => void this.#revoke(origin, browsers.length), { class: "quiet danger" });
    revoke.append(el("span", { class: "unseen" }, ` ${origin}`));
    const rows = browsers.map(({ key_id, scopes, paired_at }) =>
      el("li", {},
        el("ul", { class: "scopes", "aria-label": "What it may ask for" }, ...scopes.map((scope) => el("li", { class: scope === "export" && "strong" }, SCOPES[scope] ?? scope))),
        el("p", { class: "hint" }, `since ${day(paired_at)} · browser `, el("code", {}, key_id.slice(0, 8)))));
    return el("li", { class: "card site" },
      el("div", { class: "site-head" }, el("h3", {}, originText(origin)), revoke),
      el("ul", { class: "browsers" }, ...rows));
  }

  /** @param {string} origin @param {number} browsers */
  async #revoke(origin, browsers) {
    const where = browsers === 1 ? "" : `, in all ${browsers} browsers`;
    const text = `It is shut out at once${where}: what it is doing ends, and the keys that it unlocked are forgotten. You can connect it again whenever you like.`;
    if (!(await confirmed(`Revoke ${origin}?`, text, "Revoke"))) return;
    try {
      await this.connection.askJson("DELETE", `/v1/pairings/${encodeURIComponent(origin)}`);
      announce(`${origin} is revoked.`);
      fill(this.#note, el("p", {}, `${origin} is revoked.`));
    } catch (error) {
      tellFailure(this.#note, explain(error));
    }
    await this.refresh();
    byId("sites-title", HTMLElement).focus();
  }
}

/**
 * Asks the person whether to go on.
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
export function confirmed(title, text, yes) {
  const dialog = byId("confirm", HTMLDialogElement);
  return new Promise((answer) => {
    const over = new AbortController();
    const { signal } = over;
    const close = (/** @type {boolean} */ said) => {
      over.abort();
      dialog.close();
      answer(said);
    };
    fill(
      dialog,
      el("h2", { id: "confirm-title" }, title),
      el("p", { id: "confirm-text" }, text),
      el("div", { class: "actions" }, button(yes, () => close(true), { class: "danger" }), button("Keep it", () => close(false), { autofocus: true })),
    );
    // Not by the event `close` alone: that of the question before may still be to come.
    dialog.addEventListener("cancel", () => close(false), { signal });
    dialog.addEventListener("close", () => dialog.open || close(false), { signal });
    dialog.showModal();
  });
}
