// @ts-check
/**
 * A list of files that are done one after the other. One that fails does not stop the others. What was made waits here
 * until the list is cleared, as a download of a type that no browser shows: it is never opened as a page of this origin.
 */
import { codeOf } from "./connection.js";
import { bytes, button, el, fill, icon } from "./dom.js";
import { fitName } from "./names.js";
import { explain } from "./words.js";

/** @typedef {"waiting" | "working" | "done" | "failed"} State */
/**
 * @typedef {object} Item
 * @property {File} file
 * @property {State} state
 * @property {HTMLLIElement} row
 * @property {{message: string, help: string} | null} trouble
 * @property {{url: string, name: string, size: number, isSaved: boolean} | null} made
 */

/** Between two downloads: browsers drop one that comes at the same time as another. */
const BETWEEN_SAVES = 400;

export class WorkList {
  /** @type {Item[]} */
  #items = [];

  /**
   * @param {HTMLElement} list
   * @param {{doing: string, done: string}} words
   * @param {() => void} whenChanged
   */
  constructor(list, words, whenChanged) {
    this.list = list;
    this.words = words;
    this.whenChanged = whenChanged;
  }

  /** @param {State} state */
  count(state) {
    return this.#items.filter((item) => item.state === state).length;
  }

  get length() {
    return this.#items.length;
  }

  /** Whether something was made that was not saved. */
  get hasUnsaved() {
    return this.#items.some(({ made }) => made !== null && !made.isSaved);
  }

  /** Adds files; one that stands there already is not added twice. @param {File[]} files */
  add(files) {
    for (const file of files) {
      const isSame = (/** @type {Item} */ { file: other }) =>
        other.name === file.name && other.size === file.size && other.lastModified === file.lastModified;
      if (this.#items.some(isSame)) continue;
      /** @type {Item} */
      const item = { file, state: "waiting", row: el("li", { class: "file" }), trouble: null, made: null };
      this.#items.push(item);
      this.list.append(item.row);
      this.#draw(item);
    }
    this.whenChanged();
  }

  clear() {
    for (const { made } of this.#items) if (made) URL.revokeObjectURL(made.url);
    this.#items = [];
    fill(this.list);
    this.whenChanged();
  }

  /** Those that failed are to be tried again. */
  again() {
    for (const item of this.#items) if (item.state === "failed") this.#become(item, "waiting");
  }

  /**
   * Does what waits, in the order of the list, until nothing waits any more or `signal` says stop.
   * @param {(file: File, signal: AbortSignal) => Promise<Blob>} work
   * @param {(name: string) => string} nameOf
   * @param {AbortSignal} signal
   */
  async run(work, nameOf, signal) {
    for (;;) {
      const item = this.#items.find(({ state }) => state === "waiting");
      if (item === undefined || signal.aborted) return;
      item.trouble = null;
      this.#become(item, "working");
      try {
        const made = await work(item.file, signal);
        const url = URL.createObjectURL(made.slice(0, made.size, "application/octet-stream"));
        item.made = { url, name: nameOf(item.file.name), size: made.size, isSaved: false };
        this.#become(item, "done");
      } catch (error) {
        if (signal.aborted) {
          this.#become(item, "waiting");
          return;
        }
        item.trouble = explain(error);
        this.#become(item, "failed");
        // None of the others would fare better.
        if (codeOf(error) === "no-such-key") return;
      }
    }
  }

  /** Saves all that was not saved. */
  async saveAll() {
    for (const { made, row } of this.#items) {
      if (made === null || made.isSaved) continue;
      row.querySelector("a")?.click();
      await new Promise((done) => setTimeout(done, BETWEEN_SAVES));
    }
  }

  /** @param {Item} item @param {State} state */
  #become(item, state) {
    item.state = state;
    this.#draw(item);
    this.whenChanged();
  }

  /** @param {Item} item */
  #draw(item) {
    const { file, state, trouble, made, row } = item;
    row.dataset["state"] = state;
    const name = made?.name ?? fitName(file.name);
    const about = {
      waiting: bytes(file.size),
      working: `${bytes(file.size)} · ${this.words.doing} …`,
      done: `${bytes(made?.size ?? 0)} · ${this.words.done}${made?.isSaved ? " and saved" : ""}`,
      failed: trouble?.message ?? "",
    }[state];
    const glyph = { waiting: "file", working: "dots", done: "check", failed: "cross" }[state];
    fill(
      row,
      el("span", { class: state === "working" ? "round busy" : "round" }, icon(glyph)),
      el("div", { class: "file-text" },
        el("p", { class: "file-name" }, name),
        el("p", { class: "file-about" }, about),
        trouble && el("p", { class: "file-about" }, trouble.help)),
      made ? this.#saver(item, made) : (state === "waiting" || state === "failed") && this.#remover(item),
    );
  }

  /** @param {Item} item @param {NonNullable<Item["made"]>} made */
  #saver(item, made) {
    const link = el("a", { class: "button", href: made.url, download: made.name }, "Save", el("span", { class: "unseen" }, ` ${made.name}`));
    link.addEventListener("click", () => {
      made.isSaved = true;
      const about = item.row.querySelector(".file-about");
      if (about) about.textContent = `${bytes(made.size)} · ${this.words.done} and saved`;
      this.whenChanged();
    });
    return link;
  }

  /** @param {Item} item */
  #remover(item) {
    const remove = () => {
      const next = item.row.nextElementSibling ?? item.row.previousElementSibling;
      this.#items = this.#items.filter((other) => other !== item);
      item.row.remove();
      const nextButton = next?.querySelector("button, a");
      if (nextButton instanceof HTMLElement) nextButton.focus();
      this.whenChanged();
    };
    const made = button("", remove, { class: "quiet small", title: "Leave out" });
    fill(made, icon("cross"), el("span", { class: "unseen" }, `Leave out ${fitName(item.file.name)}`));
    return made;
  }
}
