// @ts-check
/**
 * What the Ledger is doing, and what to do next.
 *
 * Two calls tell it. `GET /v1/status` asks the device nothing, and says what it was like when somebody last talked to it.
 * `GET /v1/devices` asks the device itself; it is made when the page opens, when something is plugged in, when the person
 * wants it, and every three seconds while the page is looked at, nothing is under way, and the device is not ready.
 */
import { byId, commandLine, counted, el, fill, pause } from "./dom.js";
import { explain, sentence, stateWords } from "./words.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./connection.js").BridgeEvent} BridgeEvent */
/**
 * @typedef {object} Seen
 * @property {string} state  Of the status, of a listed device, or a code of docs/errors.md.
 * @property {string | null} [app]
 * @property {string | null} [app_version]
 * @property {string | null} [model]
 * @property {string | null} [device]
 * @property {string | null} [message]
 * @property {string | null} [help]
 */
/** @typedef {{keys: number, version: string}} Told */

const NOT_READY_EVERY = 3000;
const READY_EVERY = 5000;

/** Who comes back to the page after so long sees what the device is doing now. */
const LOOKED_AWAY = 30_000;

export class DevicePanel {
  /** @type {Seen[]} */
  #seen = [{ state: "checking" }];
  /** What the status said last: only what it says anew counts against what the device itself said. */
  #statusState = "";
  #isInSoftware = false;
  #othersListen = false;
  #isAsking = false;
  /** It asks whether to open the app, and nothing that there would be to compare. */
  #isOpening = false;
  /** @type {AbortController | null} */
  #surveying = null;
  #surveyed = 0;
  #events = 0;
  #drawn = "";

  /**
   * @param {Connection} connection
   * @param {() => boolean} isBusy  Whether a call is under way that wants the device.
   * @param {(told: Told) => void} whenTold  Is given each status.
   */
  constructor(connection, isBusy, whenTold) {
    this.connection = connection;
    this.isBusy = isBusy;
    this.whenTold = whenTold;
    connection.onEvent((event) => this.#happened(event));
    byId("device-check", HTMLButtonElement).addEventListener("click", () => {
      this.#show([{ state: "checking" }]);
      void this.#survey();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.#look(Date.now() - this.#surveyed > LOOKED_AWAY);
    });
    void this.#keepLooking();
  }

  /** Asks for the status at once. */
  async refresh() {
    const events = this.#events;
    const status = await this.connection.ask((client) => client.status()).catch(() => null);
    if (status === null) return;
    this.whenTold({ keys: status.keys, version: status.version });
    const { endpoint } = /** @type {{endpoint?: string}} */ (status);
    this.#isInSoftware = endpoint?.startsWith("speculos:") ?? false;
    // What happened meanwhile is newer than this answer.
    if (events !== this.#events) return;
    const { state, app, app_version } = status.device;
    const isNew = state !== this.#statusState;
    this.#statusState = state;
    if (this.#isAsking && state === "asking") return;
    this.#isAsking = false;
    this.#draw();
    if (!isNew || ["unknown", "plugged-in"].includes(state)) return;
    this.#show([{ ...this.#sole(), state: state === "asking" ? "asking-elsewhere" : state, app, app_version }]);
  }

  /** Ends a survey that is under way: somebody wants the device for more than that. */
  leaveAlone() {
    this.#surveying?.abort();
  }

  async #keepLooking() {
    await this.refresh();
    await this.#survey();
    while (!this.connection.isOver) {
      await pause(this.#isReady() ? READY_EVERY : NOT_READY_EVERY);
      if (document.visibilityState === "visible") await this.#look(false);
    }
  }

  /** @param {boolean} isLongAgo  Whether the device is asked even if it was ready. */
  async #look(isLongAgo) {
    await this.refresh();
    const isWanted = isLongAgo || !this.#isReady();
    if (isWanted && !this.isBusy() && this.#statusState !== "asking") await this.#survey();
  }

  /** Has the bridge ask the device what it is doing. */
  async #survey() {
    if (this.#surveying !== null || this.connection.isOver || this.isBusy()) return;
    const surveying = new AbortController();
    this.#surveying = surveying;
    try {
      /** @type {{devices: Seen[]}} */
      const { devices } = await this.connection.askJson("GET", "/v1/devices", { signal: surveying.signal });
      this.#othersListen = false;
      if (!surveying.signal.aborted) this.#show(devices.length > 0 ? devices : [{ state: "not-plugged-in" }]);
    } catch (error) {
      const { code, message, help } = explain(error);
      if (!surveying.signal.aborted && code !== "unreachable") this.#show([{ state: code, message, help }]);
    }
    this.#surveyed = Date.now();
    this.#surveying = null;
  }

  #isReady() {
    return this.#seen.some(({ state }) => state === "ready");
  }

  /** What is known of the one device that is there. @returns {Partial<Seen>} */
  #sole() {
    const [sole] = this.#seen;
    return this.#seen.length === 1 && sole?.model ? { model: sole.model, device: sole.device } : {};
  }

  /** @param {BridgeEvent} event */
  #happened(event) {
    this.#events += 1;
    switch (event.event) {
      case "plugged":
        void this.#survey();
        break;
      case "unplugged":
        this.#othersListen = false;
        this.#show([{ state: "not-plugged-in" }]);
        break;
      case "ready":
        this.#isOpening = false;
        this.#show([{ ...this.#sole(), state: "ready", app: event.app, app_version: event.version }]);
        break;
      case "waiting": {
        this.#isOpening = event["for"] === "opening";
        const states = { "device": "not-plugged-in", "unlocking": "locked", "app": "app-not-open", "opening": "app-not-open", "other-process": "in-use" };
        const state = /** @type {Record<string, string>} */ (states)[event["for"]];
        if (state !== undefined) this.#show([{ ...this.#sole(), state }]);
        break;
      }
      case "asking":
        this.#isAsking = true;
        this.#draw();
        break;
      case "answered":
        this.#isAsking = false;
        this.#draw();
        void this.refresh();
        break;
      case "others-listen":
        this.#othersListen = true;
        this.#draw();
        break;
      case "forgotten":
        void this.refresh();
        break;
    }
  }

  /** @param {Seen[]} seen */
  #show(seen) {
    this.#seen = seen;
    this.#draw();
  }

  #draw() {
    const seen = this.#isAsking ? [{ ...this.#sole(), state: this.#isOpening ? "opening" : "asking" }] : this.#seen;
    // What is drawn anew is read aloud anew.
    const drawn = JSON.stringify([seen, this.#othersListen, this.#isInSoftware]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;

    const [first] = seen;
    const isOne = seen.length === 1 && first !== undefined;
    const words = isOne ? stateWords(first.state, first) : stateWords(this.#isReady() ? "ready" : "several-devices");
    const panel = byId("device", HTMLElement);
    panel.dataset["tone"] = words.tone;
    byId("device-glyph", SVGElement).setAttribute("href", `#icon-${words.glyph}`);
    byId("device-title", HTMLElement).textContent = isOne ? words.title : `${counted(seen.length, "Ledger")} are plugged in`;
    const about = byId("device-about", HTMLElement);
    about.textContent = isOne ? aboutOf(first, this.#isInSoftware ? "A Ledger in software" : "") : "";
    about.hidden = about.textContent === "";
    const next = byId("device-next", HTMLElement);
    const isInIt = next.contains(document.activeElement);
    fill(
      next,
      !isOne && el("ul", {}, ...seen.map((device) => el("li", {}, lineOf(device)))),
      !isOne && el("p", {}, stateWords("several-devices").next ?? ""),
      isOne && words.next !== undefined && el("p", {}, words.next),
      isOne && words.command !== undefined && commandLine(words.command),
      this.#othersListen && el("p", { class: "caution" }, OTHERS_LISTEN),
    );
    if (isInIt) byId("device-check", HTMLElement).focus();
  }
}

const OTHERS_LISTEN =
  "Another program has your Ledger open and can read what it answers. The signature is the key to your files: close that program before you approve.";

/** Model and app, or what the bridge says. @param {Seen} seen @param {string} [kind]  Of a device without a model. */
function aboutOf({ model, app, app_version, state, message }, kind = "") {
  if (STATES_TOLD_BY_MESSAGE.includes(state) && message) return sentence(message);
  const isOpen = state === "ready" || state === "other-app";
  const open = isOpen && app ? `${app} app${app_version ? ` ${app_version}` : ""}` : "";
  return [model ? `Ledger ${model.replace(/^Ledger /, "")}` : kind, open].filter(Boolean).join(" · ");
}

const STATES_TOLD_BY_MESSAGE = ["no-device", "cannot-open-device", "several-devices", "device-busy", "device-disturbed"];

/** @param {Seen} seen */
function lineOf(seen) {
  const { title, short } = stateWords(seen.state, seen);
  return `${aboutOf(seen) || seen.device || "Ledger"}: ${short ?? title}`;
}
