// @ts-check
/** What the page is drawn with. Text from outside comes in as text, never as markup. */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * The element of the page with this ID, which has to be of this kind.
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * A new element. `properties` are attributes; one whose value is false or undefined is left out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | boolean | undefined>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  fill(made, ...children);
  return made;
}

/**
 * Gives an element these children in the place of those that it has.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  /** @type {(child: Child) => child is Node | string} */
  const isThere = (child) => child !== null && child !== undefined && child !== false && child !== "";
  parent.replaceChildren(...children.filter(isThere));
}

/**
 * One of the pictures that index.html defines. It says nothing that the text beside it does not say.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button that does something when it is pressed.
 * @param {string} text
 * @param {() => void} press
 * @param {Record<string, string | boolean | undefined>} [properties]
 * @returns {HTMLButtonElement}
 */
export function button(text, press, properties = {}) {
  const made = el("button", { type: "button", ...properties }, text);
  made.addEventListener("click", press);
  return made;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let quiet;

/** What a screen reader is to say now, wherever the person is. It is no part of the page, and goes. @param {string} text */
export function announce(text) {
  const announcer = byId("announcer", HTMLElement);
  clearTimeout(quiet);
  announcer.textContent = text;
  quiet = setTimeout(() => (announcer.textContent = ""), 10_000);
}

/**
 * A button that copies a text. `what` names it for those who do not see what it stands beside.
 * @param {string} text
 * @param {string} what
 * @param {boolean} [isStrong]  Whether it is what is to be done here.
 * @returns {HTMLButtonElement}
 */
export function copyButton(text, what, isStrong = false) {
  const label = el("span", {}, "Copy");
  const made = el("button", { type: "button", class: isStrong ? "copy" : "quiet copy" }, icon("copy"), label, el("span", { class: "unseen" }, ` ${what}`));
  made.addEventListener("click", async () => {
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    label.textContent = copied ? "Copied" : "Not copied";
    announce(copied ? `Copied ${what}.` : "The browser did not allow it: select the text and copy it yourself.");
    setTimeout(() => (label.textContent = "Copy"), 2500);
  });
  return made;
}

/**
 * A command for the terminal, with a button that copies it.
 * @param {string} command
 * @returns {HTMLElement}
 */
export function commandLine(command) {
  return el("div", { class: "command" }, el("code", {}, command), copyButton(command, `the command ${command}`));
}

/**
 * A list of names and what they are.
 * @param {Array<[string, Child]>} rows
 * @returns {HTMLElement}
 */
export function facts(rows) {
  const there = rows.filter(([, value]) => value);
  return el("dl", { class: "facts" }, ...there.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** The person's own decisions, which are no failures. */
const DECIDED = ["refused", "aborted"];

/**
 * Says what went wrong, and what to do about it.
 * @param {Element} place
 * @param {{code: string, message: string, help: string}} why
 */
export function tellFailure(place, { code, message, help }) {
  fill(place, el("p", { class: DECIDED.includes(code) ? "decided" : "failed" }, message), help !== "" && el("p", {}, help));
}

/** An origin. A long one is broken where its parts end. @param {string} text */
export function origin(text) {
  const parts = text.split(/(?<=\/\/|\.)/);
  return el("code", { class: "long" }, ...parts.flatMap((part, index) => (index === 0 ? [part] : [el("wbr"), part])));
}

/** A key, address or code, to be compared character by character. @param {string} text */
export function code(text) {
  return el("code", { class: "long" }, text);
}

/** @param {number} count */
export function bytes(count) {
  if (count < 1000) return count === 1 ? "1 byte" : `${count} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  let [size, unit] = [count / 1000, 0];
  while (size >= 999.95 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** @param {number} seconds since 1970 */
export function timeOfDay(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** @param {number} seconds since 1970 */
export function day(seconds) {
  const style = /** @type {const} */ ({ day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" });
  return new Date(seconds * 1000).toLocaleString("en-GB", style);
}

/** As many things, in words. @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) {
  return count === 1 ? `1 ${one}` : `${count} ${many}`;
}

/** @param {number} milliseconds @returns {Promise<void>} */
export function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}
