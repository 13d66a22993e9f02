// @ts-check
/** Opening files, with one approval for all of them; and sealing files, for which no Ledger is needed. */
import { documentIn } from "./documents.js";
import { announce, byId, commandLine, counted, el, fill, tellFailure } from "./dom.js";
import { takeFiles } from "./drops.js";
import { openedName, sealedName } from "./names.js";
import { explain } from "./words.js";
import { WorkList } from "./worklist.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./asking.js").Asking} Asking */
/** @typedef {import("./profile.js").Profile} Profile */

/**
 * What both views have: a place for files, a list, buttons, and a run that can be stopped.
 */
class FilesView {
  /** @type {AbortController | null} */
  #running = null;

  /** @param {string} name  That of the view. @param {{doing: string, done: string, run: string}} words */
  constructor(name, words) {
    this.name = name;
    this.words = words;
    this.files = new WorkList(byId(`${name}-files`, HTMLElement), words, () => this.draw());
    this.note = byId(`${name}-note`, HTMLElement);
    this.runButton = byId(`${name}-run`, HTMLButtonElement);
    this.stopButton = byId(`${name}-stop`, HTMLButtonElement);
    this.saveButton = byId(`${name}-save`, HTMLButtonElement);
    this.clearButton = byId(`${name}-clear`, HTMLButtonElement);
    this.chooser = byId(`${name}-choose`, HTMLInputElement);
    takeFiles(byId(`${name}-drop`, HTMLElement), this.chooser, (files, folders) => void this.take(files, folders));
    this.stopButton.addEventListener("click", () => this.#running?.abort());
    this.saveButton.addEventListener("click", () => void this.files.saveAll());
    this.clearButton.addEventListener("click", () => {
      this.files.clear();
      fill(this.note);
      this.chooser.focus();
    });
    this.draw();
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** @param {File[]} files @param {number} folders */
  async take(files, folders) {
    fill(this.note, folders > 0 && el("p", {}, "Folders are left out: drop the files that are in them."));
    this.files.add(files);
    if (files.length > 0) announce(`${counted(this.files.length, "file")} in the list.`);
  }

  draw() {
    const { files } = this;
    const toDo = files.count("waiting") + files.count("failed");
    byId(`${this.name}-part`, HTMLElement).hidden = files.length === 0;
    byId(`${this.name}-drop`, HTMLElement).classList.toggle("low", files.length > 0);
    this.runButton.hidden = this.isRunning || (files.length > 0 && toDo === 0);
    const isAgain = files.count("waiting") === 0 && files.count("failed") > 0;
    this.runButton.textContent = files.length === 0 ? `${this.words.run} the files` : isAgain ? "Try again" : `${this.words.run} ${counted(toDo, "file")}`;
    this.stopButton.hidden = !this.isRunning;
    this.saveButton.hidden = this.isRunning || files.count("done") < 2 || !files.hasUnsaved;
    this.clearButton.hidden = this.isRunning || files.length === 0;
  }

  /**
   * Does all that waits, once `work` is what does it.
   * @param {(file: File, signal: AbortSignal) => Promise<Blob>} work
   * @param {(name: string) => string} nameOf
   */
  async runAll(work, nameOf) {
    const running = new AbortController();
    this.#running = running;
    this.draw();
    this.stopButton.focus();
    await this.files.run(work, nameOf, running.signal);
    this.#running = null;
    // The person may have gone elsewhere meanwhile.
    const isWaitedFor = [this.stopButton, document.body].includes(/** @type {HTMLElement} */ (document.activeElement));
    this.draw();
    const [done, failed, left] = [this.files.count("done"), this.files.count("failed"), this.files.count("waiting")];
    const told = [
      done > 0 && `${counted(done, "file")} ${this.words.done}.`,
      failed > 0 && `${counted(failed, "file")} failed; the list says why.`,
      left > 0 && `${counted(left, "file")} left.`,
    ];
    fill(this.note, el("p", {}, told.filter(Boolean).join(" ")));
    const next = this.files.list.querySelector("a") ?? (this.runButton.hidden ? this.clearButton : this.runButton);
    if (next instanceof HTMLElement && isWaitedFor) next.focus();
  }

  /** @param {unknown} error */
  fail(error) {
    tellFailure(this.note, explain(error));
  }
}

export class OpenView extends FilesView {
  /**
   * @param {Connection} connection
   * @param {Asking} asking
   * @param {Profile} profile
   * @param {(unlocked: {expires_at: number}) => void} whenUnlocked
   */
  constructor(connection, asking, profile, whenUnlocked) {
    super("open", { doing: "opening", done: "opened", run: "Open" });
    this.connection = connection;
    this.asking = asking;
    this.profile = profile;
    this.whenUnlocked = whenUnlocked;
    this.card = profile.addCard(byId("open-profile", HTMLElement));
    this.runButton.addEventListener("click", () => void this.#open());
  }

  /** Tells the profile from the sealed files. @override @param {File[]} files @param {number} folders */
  async take(files, folders) {
    const documents = await Promise.all(files.map((file) => documentIn(file).catch(() => null)));
    documents.forEach((document, index) => document && this.profile.take(document, files[index]?.name ?? ""));
    await super.take(files.filter((_, index) => documents[index] === null), folders);
  }

  async #open() {
    fill(this.note);
    const { opener } = this.profile;
    if (opener === null) {
      this.profile.demand();
      return this.card.focus();
    }
    if (this.files.length === 0) {
      fill(this.note, el("p", {}, "Choose the sealed files first."));
      return this.chooser.focus();
    }
    this.files.again();
    try {
      const held = await this.asking.run((signal) => this.connection.ask((client) => client.unwrap({ ...opener }, { signal })));
      this.whenUnlocked(held);
      await this.runAll((file, signal) => this.connection.ask((client) => client.decrypt(held.handle, file, { signal })), openedName);
      if (held.v_form === "00/01") this.note.append(olderForm());
    } catch (error) {
      this.fail(error);
    }
  }
}

function olderForm() {
  const command = "saltbridge wrap --envelope OLD --envelope-out NEW";
  const text = "Your envelope was made by a wallet that writes signatures in an older way. It opens here, but perhaps not on NumerBay’s own page. In a terminal, this makes one that opens everywhere:";
  return el("div", { class: "caution" }, el("p", {}, text), commandLine(command));
}

export class SealView extends FilesView {
  #key = byId("seal-key", HTMLInputElement);
  #keyError = byId("seal-key-error", HTMLElement);

  /** @param {Connection} connection */
  constructor(connection) {
    super("seal", { doing: "sealing", done: "sealed", run: "Seal" });
    this.connection = connection;
    this.#key.addEventListener("input", () => this.#blame(""));
    this.runButton.addEventListener("click", () => void this.#seal());
  }

  async #seal() {
    fill(this.note);
    const publicKey = this.#key.value.trim();
    if (!/^[A-Za-z0-9+/]{43}=$/.test(publicKey)) {
      this.#blame(publicKey === "" ? "Paste the buyer’s public key." : "A public key is 44 characters that end with “=”. Copy all of it.");
      return this.#key.focus();
    }
    if (this.files.length === 0) {
      fill(this.note, el("p", {}, "Choose the files first."));
      return this.chooser.focus();
    }
    this.files.again();
    await this.runAll((file, signal) => this.connection.ask((client) => client.encrypt(publicKey, file, { signal })), sealedName);
  }

  /** @param {string} why */
  #blame(why) {
    this.#keyError.textContent = why;
    if (why === "") this.#key.removeAttribute("aria-invalid");
    else this.#key.setAttribute("aria-invalid", "true");
  }
}
