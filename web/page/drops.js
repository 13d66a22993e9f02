// @ts-check
/**
 * Files that are dropped or chosen. A file that is dropped anywhere else than where one belongs would be opened by the
 * browser in the place of this page, which would be its end: so a drop anywhere goes to the view that is shown.
 */

/** @type {Map<HTMLElement, (files: File[], folders: number) => void>} */
const places = new Map();

/**
 * Takes files at a place, and in all of the view around it.
 * @param {HTMLElement} place
 * @param {HTMLInputElement} chooser
 * @param {(files: File[], folders: number) => void} take  `folders` is how many folders were dropped, which are left out.
 */
export function takeFiles(place, chooser, take) {
  places.set(place, take);
  chooser.addEventListener("change", () => {
    take([...(chooser.files ?? [])], 0);
    chooser.value = "";
  });
}

/** The place that is shown, if it takes files. */
function shown() {
  return [...places].find(([place]) => place.offsetParent !== null);
}

/** @param {DragEvent} event */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event) || event.dataTransfer === null) return;
  event.preventDefault();
  const found = document.querySelector("dialog[open]") === null ? shown() : undefined;
  event.dataTransfer.dropEffect = found ? "copy" : "none";
  found?.[0].classList.add("over");
});

document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) shown()?.[0].classList.remove("over");
});

document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  const found = shown();
  if (!found || document.querySelector("dialog[open]") !== null) return;
  const [place, take] = found;
  place.classList.remove("over");
  const items = [...(event.dataTransfer?.items ?? [])].filter((item) => item.kind === "file");
  const isFolder = (/** @type {DataTransferItem} */ item) => item.webkitGetAsEntry()?.isDirectory ?? false;
  const files = items.filter((item) => !isFolder(item)).map((item) => item.getAsFile());
  take(files.filter((file) => file !== null), items.filter(isFolder).length);
});
