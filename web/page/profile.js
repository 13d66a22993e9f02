// @ts-check
/**
 * The profile or envelope that the person has given, once for all that is done with it, and the card in which it stands.
 * It opens nothing without the Ledger. It is kept in this page alone.
 */
import { documentIn, readDocument } from "./documents.js";
import { announce, button, code, el, facts, fill, icon } from "./dom.js";

/** @typedef {import("./documents.js").Opener} Opener */
/** @typedef {import("./documents.js").Document} Document */

export class Profile {
  /** @type {Opener | null} */
  #opener = null;
  #name = "";
  #trouble = "";
  /** @type {Set<() => void>} */
  #watchers = new Set();
  #cards = 0;

  /** @returns {Opener | null} */
  get opener() {
    return this.#opener;
  }

  /** The account that made the envelope, where neither it nor the profile says so. Empty: the first one. @param {string} address */
  tellAddress(address) {
    if (this.#opener === null) return;
    const { address: _, ...rest } = this.#opener;
    this.#opener = address === "" ? rest : { ...rest, address };
  }

  /** @param {() => void} watcher  Is called when another one was given. */
  onChange(watcher) {
    this.#watchers.add(watcher);
  }

  /**
   * Takes what was read.
   * @param {Document} document
   * @param {string} name  Where it comes from.
   */
  take(document, name) {
    if (document.kind === "opener") {
      this.set(document.opener, name);
      announce(`Took your ${document.is_profile ? "profile" : "envelope"} from ${name}.`);
      return;
    }
    this.#trouble = `${name}: ${TROUBLE[document.kind]}`;
    this.#changed();
  }

  /** @param {Opener} opener @param {string} name */
  set(opener, name) {
    [this.#opener, this.#name, this.#trouble] = [opener, name, ""];
    this.#changed();
  }

  /** Says at the cards that there has to be one. */
  demand() {
    if (this.#trouble === "") this.#trouble = "Give your profile first: drop its file, choose it, or paste its text.";
    this.#changed();
  }

  /** @param {Element} parent @returns {{focus: () => void}} */
  addCard(parent) {
    this.#cards += 1;
    const card = new Card(this, `profile-${this.#cards}`);
    parent.append(card.element);
    const draw = () => card.draw(this.#opener, this.#name, this.#trouble);
    this.onChange(draw);
    draw();
    return card;
  }

  #changed() {
    for (const watcher of this.#watchers) watcher();
  }
}

/** @type {Record<Exclude<Document["kind"], "opener">, string>} */
const TROUBLE = {
  "legacy":
    "this key pair was made before 24 September 2022, in a way that a Ledger does not open. Make a new key pair; sellers then seal for that one.",
  "key-file": "this is an exported key, not encrypted. It needs no Ledger: saltbridge decrypt --key-file opens files with it.",
  "no-key": "this profile has no key pair. Make one here, under “New key pair”, or on the site.",
  "other-json": "this is neither a profile nor an envelope. Without a login NumerBay answers with an error: log in, and save it again.",
  "none": "this is neither a profile nor an envelope.",
};

class Card {
  file = el("input", { type: "file", accept: ".json,.txt,application/json", class: "unseen" });

  /** @param {Profile} profile @param {string} id */
  constructor(profile, id) {
    this.profile = profile;
    this.id = id;
    this.text = el("textarea", { id: `${id}-text`, class: "code", rows: "4", autocomplete: "off", spellcheck: "false" });
    this.element = el("section", { class: "card profile", "aria-labelledby": `${id}-title` });
    this.title = el("h3", { id: `${id}-title`, tabindex: "-1" }, "Your profile");
    this.trouble = el("p", { class: "field-error", role: "status" });
    this.given = el("div", { class: "given" });
    this.ways = this.#ways();
    fill(this.element, this.title, this.trouble, this.given, this.ways);
  }

  focus() {
    this.title.focus();
  }

  /** @param {Opener | null} opener @param {string} name @param {string} trouble */
  draw(opener, name, trouble) {
    this.trouble.textContent = trouble;
    this.ways.hidden = opener !== null && trouble === "";
    if (opener === null) {
      fill(this.given);
      return;
    }
    const another = button("Use another", () => {
      this.ways.hidden = false;
      this.file.focus();
    }, { class: "quiet" });
    fill(
      this.given,
      el("p", { class: "given-name" }, icon("check"), el("strong", {}, name), another),
      facts([
        ["Public key", opener.public_key ? code(opener.public_key) : "not told; a profile would tell it"],
        ["Account", opener.address ? code(opener.address) : "not told: the first one of your Ledger"],
      ]),
      !opener.address && this.#addressField(),
    );
  }

  /** Where the account can be named, if it is not the first one. */
  #addressField() {
    const input = el("input", { id: `${this.id}-address`, class: "code", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    // Nothing is drawn anew under the person's hands.
    input.addEventListener("input", () => this.profile.tellAddress(input.value.trim()));
    return el("details", {}, el("summary", {}, "It was made with another account"),
      el("div", { class: "field" }, el("label", { for: input.id }, "The account’s address"), input));
  }

  #ways() {
    this.file.addEventListener("change", async () => {
      const [file] = this.file.files ?? [];
      if (file) this.profile.take((await documentIn(file)) ?? { kind: "none" }, file.name);
      this.file.value = "";
    });
    const use = button("Use this text", () => {
      this.profile.take(readDocument(this.text.value), "the pasted text");
      if (this.profile.opener !== null) this.text.value = "";
      this.focus();
    });
    return el("div", { class: "ways" },
      el("p", { class: "hint" }, "The profile holds your key, locked: nothing opens it but your Ledger. It stays on this page."),
      el("div", { class: "actions" }, el("label", { class: "button" }, this.file, "Choose the profile")),
      el("details", {}, el("summary", {}, "Paste it instead"),
        el("div", { class: "field" },
          el("label", { for: this.text.id }, "The profile’s text, or the envelope alone"), this.text,
          el("div", { class: "actions" }, use))),
      el("details", {}, el("summary", {}, "How do I get it?"),
        el("ol", {},
          el("li", {}, "Log in on NumerBay."),
          el("li", {}, "Open your browser’s developer tools (F12) at “Network”, and load the page again."),
          el("li", {}, "Choose the line ", el("code", {}, "me"), ", copy its response, and paste it above; or save it as ", el("code", {}, "profile.json"), "."))));
  }
}
