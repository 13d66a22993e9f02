// @ts-check
/** Making a key pair, giving one away, and forgetting those that are unlocked. */
import { announce, button, byId, code, copyButton, counted, el, facts, fill, icon, tellFailure, timeOfDay } from "./dom.js";
import { explain } from "./words.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./asking.js").Asking} Asking */
/** @typedef {import("./profile.js").Profile} Profile */
/** @typedef {{public_key: string, encrypted_private_key: string, address: string}} Created */

/**
 * A link that saves a text as a file. Its address ends with the page or with `forget`.
 * @param {Blob} content
 * @param {string} name
 * @param {() => void} whenSaved
 */
function saver(content, name, whenSaved) {
  const url = URL.createObjectURL(content.slice(0, content.size, "application/octet-stream"));
  const link = el("a", { class: "button primary", href: url, download: name }, icon("down"), `Save ${name}`);
  link.addEventListener("click", whenSaved);
  return { link, forget: () => URL.revokeObjectURL(url) };
}

export class CreateView {
  #note = byId("create-note", HTMLElement);
  #result = byId("create-result", HTMLElement);
  /** Whether the pair was made and neither saved nor copied. */
  hasUnsaved = false;

  /** @param {Connection} connection @param {Asking} asking @param {Profile} profile */
  constructor(connection, asking, profile) {
    this.connection = connection;
    this.asking = asking;
    this.profile = profile;
    byId("create-run", HTMLButtonElement).addEventListener("click", () => void this.#create());
  }

  async #create() {
    fill(this.#note);
    const address = byId("create-address", HTMLInputElement).value.trim();
    try {
      const request = address === "" ? {} : { address };
      const created = await this.asking.run((signal) => this.connection.ask((client) => client.createKeys(request, { signal })));
      this.#show(created);
    } catch (error) {
      tellFailure(this.#note, explain(error));
    }
  }

  /** @param {Created} created */
  #show({ public_key, encrypted_private_key, address }) {
    // Under the names of NumerBay's request, and under those of its profile, as which saltbridge reads it everywhere.
    const columns = { public_key_v2: public_key, encrypted_private_key_v2: encrypted_private_key };
    const text = JSON.stringify({ public_key, encrypted_private_key, ...columns, address });
    this.hasUnsaved = true;
    const saved = () => (this.hasUnsaved = false);
    const { link } = saver(new Blob([text]), `saltbridge-key-${public_key.slice(0, 6).replace(/[+/]/g, "_")}.json`, saved);
    const copyEnvelope = copyButton(encrypted_private_key, "the envelope");
    copyEnvelope.addEventListener("click", saved);
    const title = el("h3", { id: "created-title", tabindex: "-1" }, icon("check"), "Your new key pair");
    fill(
      this.#result,
      title,
      facts([["Account", code(address)]]),
      el("div", { class: "value" },
        el("p", { class: "value-name" }, "Public key", el("span", { class: "hint" }, " · for everybody: files are sealed for it")),
        el("div", { class: "value-box" }, code(public_key), copyButton(public_key, "the public key"))),
      el("div", { class: "value" },
        el("p", { class: "value-name" }, "Envelope", el("span", { class: "hint" }, " · holds the private key; only your Ledger opens it")),
        el("div", { class: "value-box" }, code(encrypted_private_key), copyEnvelope)),
      el("div", { class: "actions" }, link),
      el("h4", {}, "What now"),
      el("ol", {},
        el("li", {}, "Save the file, and keep a copy where you keep other backups. Without the envelope nothing opens what is sealed for this key. It will do in the place of a profile here."),
        el("li", {}, "Have both stored in your NumerBay profile. A site that works with saltbridge does it by itself, if you make the key pair there. By hand it is ",
          el("code", {}, "PUT users/me"), " with ", el("code", {}, "public_key"), ", ", el("code", {}, "encrypted_private_key"),
          " and the ", el("code", {}, "social_"), " links of your profile, which NumerBay forgets if they are not sent again."),
        el("li", {}, "From then on sellers seal for this key. What was sealed for an older one opens with your older profile alone.")),
    );
    this.#result.hidden = false;
    this.profile.set({ envelope: encrypted_private_key, public_key, address }, "the new key pair");
    announce("Your new key pair is made.");
    title.focus();
  }
}

export class ExportView {
  #note = byId("export-note", HTMLElement);
  #result = byId("export-result", HTMLElement);
  hasUnsaved = false;

  /** @param {Connection} connection @param {Asking} asking @param {Profile} profile @param {() => void} whenDone */
  constructor(connection, asking, profile, whenDone) {
    this.connection = connection;
    this.asking = asking;
    this.profile = profile;
    this.whenDone = whenDone;
    this.card = profile.addCard(byId("export-profile", HTMLElement));
    byId("export-run", HTMLButtonElement).addEventListener("click", () => void this.#export());
  }

  async #export() {
    fill(this.#note);
    const { opener } = this.profile;
    if (opener === null) {
      this.profile.demand();
      return this.card.focus();
    }
    try {
      const { content, public_key } = await this.asking.run(async (signal) => {
        const held = await this.connection.ask((client) => client.unwrap({ ...opener, for: "export" }, { signal }));
        try {
          const content = await this.connection.ask((client) => client.export(held.handle, { signal }));
          return { content, public_key: held.public_key };
        } finally {
          // It was unlocked for this alone, whatever came of it.
          await this.connection.ask((client) => client.forget(held.handle)).catch(() => undefined);
        }
      });
      this.#show(content, public_key);
      this.whenDone();
    } catch (error) {
      tellFailure(this.#note, explain(error));
    }
  }

  /** @param {Blob} content @param {string} publicKey */
  #show(content, publicKey) {
    this.hasUnsaved = true;
    const { link, forget } = saver(content, "numerbay.json", () => (this.hasUnsaved = false));
    const title = el("h3", { id: "exported-title", tabindex: "-1" }, icon("unlock"), "Your key, not encrypted");
    const discard = () => {
      forget();
      this.hasUnsaved = false;
      fill(this.#result);
      this.#result.hidden = true;
      byId("export-run", HTMLButtonElement).focus();
    };
    fill(
      this.#result,
      title,
      facts([["Public key", code(publicKey)]]),
      el("p", {}, "Save it where nobody else can read it, and not in a folder that is synchronised or shared. In a terminal, ",
        el("code", {}, "chmod 600 numerbay.json"), " keeps other users of this computer from it."),
      el("div", { class: "actions" }, link, button("Throw it away", discard)),
      el("p", { class: "hint" }, "It stays on this page until you throw it away or close the page."),
    );
    this.#result.hidden = false;
    announce("The key is here, not encrypted.");
    title.focus();
  }
}

/** How many keys of this page are unlocked, until when, and the button that ends it. */
export class HeldKeys {
  #text = byId("keys-text", HTMLElement);
  #forget = byId("keys-forget", HTMLButtonElement);
  /** The bridge tells how many, and each key's end only when it is unlocked. */
  #until = 0;

  /** @param {Connection} connection */
  constructor(connection) {
    this.connection = connection;
    this.#forget.addEventListener("click", () => void this.#lock());
  }

  /** @param {{expires_at: number}} unlocked */
  unlocked({ expires_at }) {
    this.#until = expires_at;
  }

  /** @param {number} count */
  show(count) {
    const text = count === 0 ? "No key is unlocked." : `${counted(count, "key")} unlocked${this.#untilWhen(count)}.`;
    if (this.#text.textContent === text) return;
    byId("keys", HTMLElement).dataset["held"] = String(count > 0);
    byId("keys-glyph", SVGElement).setAttribute("href", count > 0 ? "#icon-unlock" : "#icon-lock");
    this.#text.textContent = text;
    if (count === 0 && document.activeElement === this.#forget) byId("device-check", HTMLButtonElement).focus();
    this.#forget.hidden = count === 0;
  }

  /** Each use of a key puts its end off, up to an hour; so this is the earliest. @param {number} count */
  #untilWhen(count) {
    const use = count === 1 ? "it is used" : "they are used";
    return this.#until > Date.now() / 1000 ? ` until ${timeOfDay(this.#until)}, longer while ${use}` : "";
  }

  async #lock() {
    try {
      await this.connection.ask((client) => client.lock());
      this.show(0);
      announce("Your unlocked keys are forgotten.");
    } catch (error) {
      announce(explain(error).message);
    }
  }
}
