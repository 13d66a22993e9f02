// Every state of the bridge's own page, and how it comes about: for the pictures in docs/screenshots, and for the tests
// that look at all of them.
//
// They come about with the real program and an emulated Ledger. What that does not show, a Ledger on a cable and what can
// be wrong with one, is put into the bridge's answers on their way into the page, whose check of signatures is switched
// off for those states alone: they have an `answer`.

import { createHash } from "node:crypto";

import { OwnPage, Stage, profile, until } from "./own_page.mjs";

/** @typedef {import("puppeteer-core").Page} Page */

/** What stands in the place of a true Ledger. @param {string} state @param {object} [more] */
const listed = (state, more = {}) => ({ device: "usb:1-2", model: "Nano S Plus", product_id: "5011", node: "/dev/hidraw0", state, ...more });

const READY = { app: "Ethereum", app_version: "1.22.0" };
const NO_PERMISSION = { message: "you have no permission to use the Ledger (/dev/hidraw0)", help: "saltbridge doctor tells more" };
const UNKNOWN = {
  message: "the device answers with the unknown status word 6f42",
  help: "unplug the device, plug it in again and open the Ethereum app; if it stays, report the status word",
};
const STRANGER = { device: listed("ready") };

/**
 * @typedef {object} Scene
 * @property {Parameters<typeof Stage.set>[0]} [stage]
 * @property {{path: string, json: object, believed: boolean}} [answer]  What stands in the place of the bridge's answer.
 * @property {(own: OwnPage, stage: Stage, address: string) => Promise<unknown>} [play]
 * @property {boolean} [top]  The device alone.
 * @property {Array<"dark" | "narrow">} [also]
 */

/** @param {object[]} devices @returns {Scene} */
const device = (...devices) => ({ answer: { path: "/v1/devices", json: { devices }, believed: true }, top: true });

/** @param {OwnPage} own @param {Stage} stage */
async function giveFiles(own, stage) {
  const files = [
    stage.file("profile.json", profile()),
    await stage.sealed("signals-round-1201.csv", "id,prediction\n".repeat(58_000)),
    await stage.sealed("validation_predictions_of_a_model_with_a_long_name_2026-11-27.parquet", "x".repeat(3_120)),
    await stage.sealed("signals-round-1164.csv", "id,prediction\n".repeat(41_000), OTHER_KEY),
  ];
  await own.choose("#open-choose", ...files);
  await own.see("signals-round-1164.csv.sealed");
}

const OTHER_KEY = "pYJx7Z0bTZlVrzOFm0x1Y8Zq0eCnT4Jm0Jp9f7r3m1M=";

/** @param {OwnPage} own @param {string} origin @param {string[]} [also]  Boxes to tick. */
async function askForCode(own, origin, also = []) {
  await own.go("sites");
  await own.page.type("#connect-origin", origin);
  for (const name of also) await own.page.click(`input[name=${name}]`);
  await own.page.click("#connect-run");
}

/** @type {Record<string, Scene>} */
export const SCENES = {
  "device-not-plugged-in": { stage: { usb: true }, play: (own) => own.see("Plug in your Ledger"), top: true, also: ["dark"] },
  "device-locked": { stage: { start: "locked" }, play: (own) => own.see("Unlock your Ledger"), top: true },
  "device-app-not-open": { stage: { start: "dashboard" }, play: (own) => own.see("Open the Ethereum app"), top: true },
  "device-other-app": { stage: { start: "other-app" }, play: (own) => own.see("Another app is open"), top: true },
  "device-ready": device(listed("ready", READY)),
  "device-no-permission": { ...device(listed("no-permission", NO_PERMISSION)), also: ["narrow"] },
  "device-in-use": device(listed("in-use")),
  "device-not-set-up": device(listed("device-not-set-up")),
  "device-unknown-status": device(listed("unknown-status", UNKNOWN)),
  "device-several": device(listed("ready", READY), listed("device-locked", { device: "usb:1-4", model: "Stax" })),
  "device-software-gone": {
    play: async (own, stage) => {
      await own.see("Your Ledger is ready");
      await stage.ledger?.stop("SIGKILL");
      await own.page.click("#device-check");
      await own.see("does not answer");
    },
    top: true,
  },

  "open-empty": { play: (own) => own.see("Your Ledger is ready"), also: ["dark", "narrow"] },
  "open-how-to-get-the-profile": {
    play: async (own) => {
      await own.see("Your Ledger is ready");
      for (const details of await own.page.$$("#open-profile summary")) await details.click();
    },
  },
  "open-files-given": { play: giveFiles },
  "open-not-a-profile": {
    play: async (own) => {
      await own.drop({ name: "me.json", content: '{"detail":"Could not validate credentials"}' });
      await own.see("neither a profile nor an envelope");
    },
  },
  "open-waits-for-unlocking": {
    stage: { approve: "ask", start: "locked" },
    play: async (own, stage) => {
      await giveFiles(own, stage);
      await own.page.click("#open-run");
      await own.see("This goes on by itself");
    },
  },
  "open-asks": {
    stage: { approve: "ask" },
    play: async (own, stage) => {
      await giveFiles(own, stage);
      await own.page.click("#open-run");
      await own.see("Compare, then answer on your Ledger");
    },
    also: ["dark", "narrow"],
  },
  "open-done": {
    play: async (own, stage) => {
      await giveFiles(own, stage);
      await own.page.click("#open-run");
      await own.see("2 files opened. 1 file failed");
    },
    also: ["dark", "narrow"],
  },
  "open-refused": {
    stage: { approve: "never" },
    play: async (own, stage) => {
      await giveFiles(own, stage);
      await own.page.click("#open-run");
      await own.see("refused on the device");
    },
  },
  "open-older-wallet": {
    play: async (own, stage) => {
      const older = stage.file("profile.json", profile("env-speculos-44h_60h_0h_0_0-v27-lowv"));
      await own.choose("#open-choose", older, await stage.sealed("report.csv", "x".repeat(20_000)));
      await own.see("report.csv.sealed");
      await own.page.click("#open-run");
      await own.see("opens everywhere");
    },
  },

  "seal": {
    play: async (own, stage) => {
      await own.go("seal");
      await own.page.type("#seal-key", OTHER_KEY);
      await own.choose("#seal-choose", stage.file("signals-round-1201.csv", "x".repeat(812_000)));
      await own.see("signals-round-1201.csv");
      await own.page.click("#seal-run");
      await own.see("1 file sealed");
    },
  },

  "create": { play: (own) => own.go("create") },
  "create-asks-again": {
    stage: { approve: "ask" },
    play: async (own, stage) => {
      await own.go("create");
      await own.page.click("#create-run");
      await stage.approve();
      await own.see("Approval 2 of 2");
    },
  },
  "create-done": {
    play: async (own) => {
      await own.go("create");
      await own.page.click("#create-run");
      await own.see("Your new key pair");
    },
    also: ["narrow"],
  },

  "export": { play: (own) => own.go("export") },
  "export-asks": {
    stage: { approve: "ask" },
    play: async (own, stage) => {
      await own.go("export");
      await own.choose("#export-profile input[type=file]", stage.file("profile.json", profile()));
      await own.see("Use another");
      await own.page.click("#export-run");
      await own.see("This gives your private key away");
    },
    also: ["dark"],
  },
  "export-done": {
    play: async (own, stage) => {
      await own.go("export");
      await own.choose("#export-profile input[type=file]", stage.file("profile.json", profile()));
      await own.see("Use another");
      await own.page.click("#export-run");
      await own.see("Your key, not encrypted");
    },
  },

  "sites-none": { play: (own) => own.go("sites") },
  "sites-not-an-origin": {
    play: async (own) => {
      await askForCode(own, "numerbay.ai/market");
      await own.see("An origin begins with https://");
    },
  },
  "sites-code": {
    play: async (own) => {
      await askForCode(own, "https://numerbay.ai");
      await own.see("left");
    },
    also: ["narrow"],
  },
  "sites-connected": {
    play: async (own, stage) => {
      await askForCode(own, "https://numerbay.ai");
      await own.see("left");
      await stage.pair("https://numerbay.ai", await own.code());
      await own.see("https://numerbay.ai is connected");
    },
  },
  "sites-listed": { play: listSites, also: ["dark", "narrow"] },
  "sites-revoke": {
    play: async (own, stage) => {
      await listSites(own, stage);
      await own.page.click(".site button");
      await own.see("It is shut out at once");
    },
  },

  "ended-loaded-again": {
    play: async (own) => {
      await own.see("Your Ledger is ready");
      await own.page.reload();
      await own.see("This page has ended");
    },
    also: ["narrow"],
  },
  "ended-code-used": {
    play: async (own, _, address) => {
      await own.see("Your Ledger is ready");
      await own.page.goto("about:blank");
      await own.page.goto(address);
      await own.see("was used already");
    },
  },
  "ended-bridge-stopped": {
    play: async (own, stage) => {
      await own.see("Your Ledger is ready");
      await stage.bridge?.stop();
      await own.see("The connection to your bridge has ended");
    },
  },
  // Its check of signatures finds this one out.
  "ended-not-your-bridge": {
    answer: { path: "/v1/status", json: STRANGER, believed: false },
    play: (own) => own.see("This is not your bridge"),
  },
};

/** @param {OwnPage} own @param {Stage} stage */
async function listSites(own, stage) {
  for (const [origin, scope] of [["https://numerbay.ai"], ["https://numerbay.ai"], ["https://pipeline.example.org:8443", "decrypt,export"]]) {
    const { code } = await stage.run("pair", origin ?? "", ...(scope ? ["--scope", scope] : []));
    await stage.pair(origin ?? "", code);
  }
  await own.go("sites");
  await own.see("pipeline.example.org");
}

/**
 * Sets a scene.
 * @param {Scene} scene
 * @param {{open: () => Promise<Page>}} browser
 * @param {(own: OwnPage) => Promise<unknown>} look  Is called in a window in which nothing was opened yet.
 */
export async function set(scene, browser, look) {
  const stage = await Stage.set(scene.stage);
  const own = new OwnPage(await browser.open());
  const clear = async () => {
    await own.page.close();
    await stage.clear();
  };
  try {
    await look(own);
    if (scene.answer) await put(own.page, scene.answer);
    const address = await stage.address();
    await own.page.goto(address);
    await own.page.waitForSelector("#app:not([hidden]), #ended:not([hidden])");
    await until("the device", async () => !(await own.text()).includes("Looking for"));
    await scene.play?.(own, stage, address);
  } catch (error) {
    await clear();
    throw error;
  }
  return { own, clear };
}

/**
 * Puts another answer in the place of the bridge's, on its way into the page.
 * @param {Page} page
 * @param {NonNullable<Scene["answer"]>} answer
 */
async function put(page, { path, json, believed }) {
  if (believed) await page.evaluateOnNewDocument(() => (SubtleCrypto.prototype.verify = async () => true));
  const browser = await page.createCDPSession();
  browser.on("Fetch.requestPaused", ({ requestId, responseStatusCode, responseHeaders }) => {
    const body = Buffer.from(JSON.stringify(json));
    const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    const headers = (responseHeaders ?? []).filter(({ name }) => !/^(content-length|content-digest|content-type)$/i.test(name));
    const added = [{ name: "content-digest", value: digest }, { name: "content-type", value: "application/json" }];
    void browser.send("Fetch.fulfillRequest", {
      requestId,
      responseCode: believed ? 200 : (responseStatusCode ?? 200),
      responseHeaders: [...headers, ...added],
      body: body.toString("base64"),
    });
  });
  await browser.send("Fetch.enable", { patterns: [{ urlPattern: `*${path}`, requestStage: "Response" }] });
}
