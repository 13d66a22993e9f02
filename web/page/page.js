// @ts-check
/**
 * The bridge's own page: takes the code from its address, pairs with it, and shows the rest.
 *
 * Nothing is kept: neither the code nor the key that it is paired with outlives this page, and the address loses the code
 * before anything else is done.
 */
import { MemoryKeys, Saltbridge } from "/client/index.js";
import { Asking } from "./asking.js";
import { ConnectForm } from "./connect.js";
import { Connection } from "./connection.js";
import { DevicePanel } from "./device.js";
import { byId } from "./dom.js";
import { end } from "./ended.js";
import { OpenView, SealView } from "./files.js";
import { CreateView, ExportView, HeldKeys } from "./keys.js";
import { Profile } from "./profile.js";
import { SitesView } from "./sites.js";

const VIEWS = ["open", "seal", "create", "export", "sites"];

/** Letters, digits and hyphens, as many as a code has. */
const CODE = /^#[0-9A-Za-z]{4}(-?[0-9A-Za-z]{4}){3}$/;

/** The code, which is taken out of the address and out of the history. */
function takeCode() {
  const { hash } = location;
  history.replaceState(null, "", location.pathname);
  return CODE.test(hash) ? hash.slice(1) : null;
}

async function start() {
  const code = takeCode();
  if (code === null) return end({ code: "no-code" });
  const client = new Saltbridge({ address: location.origin, keys: new MemoryKeys() });
  try {
    await client.pair(code);
  } catch (error) {
    return end(error);
  }
  show(new Connection(client, end));
}

/** @param {Connection} connection */
function show(connection) {
  const asking = new Asking(connection);
  const profile = new Profile();
  const held = new HeldKeys(connection);
  const open = new OpenView(connection, asking, profile, (unlocked) => {
    held.unlocked(unlocked);
    void device.refresh();
  });
  const seal = new SealView(connection);
  const create = new CreateView(connection, asking, profile);
  const exporting = new ExportView(connection, asking, profile, () => void device.refresh());
  const sites = new SitesView(connection);
  new ConnectForm(connection, sites);
  const device = new DevicePanel(connection, () => asking.isBusy, ({ keys, version }) => {
    held.show(keys);
    byId("version", HTMLElement).textContent = `saltbridge ${version} at ${location.host}`;
  });
  asking.onBegin(() => device.leaveAlone());

  let shown = "open";
  /** @param {string} view @param {boolean} isAsked  Whether the person went there. */
  const go = (view, isAsked) => {
    shown = view;
    for (const name of VIEWS) {
      byId(`view-${name}`, HTMLElement).hidden = name !== view;
      const link = byId(`to-${name}`, HTMLElement);
      if (name === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const title = byId(`${view}-title`, HTMLElement);
    document.title = `${title.textContent} – saltbridge`;
    if (view === "sites") void sites.refresh();
    if (isAsked) title.focus();
  };

  addEventListener("hashchange", () => {
    const view = location.hash === "" ? "open" : VIEWS.find((name) => location.hash === `#${name}`);
    if (view !== undefined) return go(view, true);
    // Whatever else it is, a code for another page perhaps, is not left in the address.
    history.replaceState(null, "", shown === "open" ? location.pathname : `#${shown}`);
  });
  byId("skip", HTMLElement).addEventListener("click", (event) => {
    event.preventDefault();
    byId(`${shown}-title`, HTMLElement).focus();
  });
  addEventListener("beforeunload", (event) => {
    const isStopping = !connection.isOver && (asking.isBusy || open.isRunning || seal.isRunning || exporting.hasUnsaved);
    const isLosing = open.files.hasUnsaved || seal.files.hasUnsaved || create.hasUnsaved;
    if (isStopping || isLosing) event.preventDefault();
  });

  byId("starting", HTMLElement).hidden = true;
  byId("app", HTMLElement).hidden = false;
  go("open", false);
}

// A page that the browser has kept and shows again has neither its stream nor the bridge's patience.
addEventListener("pageshow", (event) => event.persisted && location.reload());

void start();
