// One window, once. Who has the address without its code, a used one, or a frame of it, has nothing; and nothing is left
// of it when the window is gone.

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { OwnPage, SALTBRIDGE, Stage, profile, until } from "./own_page.mjs";
import { Browser } from "./support/browsers.mjs";
import { Program } from "./support/programs.mjs";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** What a browser says of a person who goes there. */
const NAVIGATION = { "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-user": "?1" };

describe("the own page", () => {
  /** @type {Browser} */ let browser;
  /** @type {Stage} */ let stage;
  /** @type {OwnPage[]} */ let windows = [];
  before(async () => void (browser = await Browser.launch(1)));
  after(() => browser.close());
  beforeEach(async () => void (stage = await Stage.set()));
  afterEach(async () => {
    for (const own of windows) if (!own.page.isClosed()) await own.page.close();
    windows = [];
    await stage.clear();
  });

  /** @param {string} [address] */
  const open = async (address) => {
    const own = await OwnPage.open(browser, stage, address);
    windows.push(own);
    return own;
  };

  /** Whether anything listens there. @param {string} address */
  const listens = async (address) =>
    fetch(address).then(
      () => true,
      () => false,
    );

  it("is opened through a file that nobody else can read, and that is gone afterwards", async () => {
    const programs = join(stage.folder, "programs");
    const handed = join(stage.folder, "handed");
    mkdirSync(programs);
    writeFileSync(join(programs, "xdg-open"), `#!/bin/sh\nstat -c %a "$1" > '${handed}.mode'\necho "$1" > '${handed}'\n`);
    chmodSync(join(programs, "xdg-open"), 0o755);
    const env = { ...stage.env, PATH: `${programs}:${stage.env.PATH}` };
    const command = new Program(SALTBRIDGE, ["open"], { env, cwd: stage.folder });
    const file = await until("the file", () => existsSync(handed) && readFileSync(handed, "utf8").trim());
    assert.equal(readFileSync(`${handed}.mode`, "utf8").trim(), "600");
    const own = await open(`file://${file}`);
    await own.see("Your Ledger is ready");
    await command.ended;
    assert.equal(command.child.exitCode, 0, command.said);
    assert.ok(!existsSync(file));
    assert.match(own.page.url(), /^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  it("takes the code out of its address, and keeps it nowhere", async () => {
    const address = await stage.address();
    const code = address.slice(address.indexOf("#") + 1);
    assert.match(code, /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
    const own = await open(address);
    await own.see("Your Ledger is ready");
    await own.go("sites");
    assert.equal(own.page.url(), `${address.slice(0, address.indexOf("#"))}#sites`);
    const kept = await own.page.evaluate(async () => ({
      cookies: document.cookie,
      local: localStorage.length,
      session: sessionStorage.length,
      databases: await indexedDB.databases(),
      state: JSON.stringify(history.state),
      page: document.documentElement.outerHTML,
    }));
    assert.deepEqual({ ...kept, page: "" }, { cookies: "", local: 0, session: 0, databases: [], state: "null", page: "" });
    assert.ok(!kept.page.includes(code));
    await own.page.evaluate(() => history.back());
    await own.see("Files that you buy are sealed for your key.");
    assert.ok(!own.page.url().includes(code));
  });

  it("takes another page's code out of its address, too, and stays where it is", async () => {
    const own = await open();
    await own.see("Your Ledger is ready");
    await own.go("create");
    await own.page.evaluate(() => (location.hash = "#AAAA-BBBB-CCCC-DDDD"));
    await until("the code to go", () => !own.page.url().includes("AAAA"));
    assert.ok(own.page.url().endsWith("#create"));
    await own.see("You get the public key and the envelope");
  });

  it("is over when it is loaded again, and says how to go on", async () => {
    const own = await open();
    await own.see("Your Ledger is ready");
    await own.page.reload();
    await own.see("This page has ended");
    await own.see("saltbridge open");
    await own.see("saltbridge serve");
    assert.equal(await own.page.evaluate(() => document.activeElement?.tagName), "H1");
  });

  it("lets nobody in a second time; who is in goes on", async () => {
    const address = await stage.address();
    const first = await open(address);
    await first.see("Your Ledger is ready");
    const second = await open(address);
    await second.see("This address was used already");
    await first.page.bringToFront();
    await first.page.click("#device-check");
    await first.see("Your Ledger is ready");
  });

  it("lets nobody in without the code, or with another one", async () => {
    const address = await stage.address();
    const [origin = ""] = address.split("/#");
    const without = await open(`${origin}/`);
    await without.see("This page has ended");
    const wrong = await open(`${origin}/#AAAA-BBBB-CCCC-DDDD`);
    await wrong.see("This address was used already");
    const right = await open(address);
    await right.see("Your Ledger is ready");
  });

  it("stands in no frame, where it would use up its code", async () => {
    const address = await stage.address();
    const server = createServer((_, response) => {
      response.setHeader("content-type", "text/html").end(`<!doctype html><title>frame</title><iframe src="${address}"></iframe>`);
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", () => done(null)));
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    const page = await browser.open(`http://127.0.0.1:${port}/`);
    await until("the frame", () => page.frames().length > 1);
    await new Promise((done) => setTimeout(done, 1500));
    await page.close();
    server.close();
    const own = await open(address);
    await own.see("Your Ledger is ready");
  });

  it("ends with its window: nothing listens, and its keys are forgotten", async () => {
    const address = await stage.address();
    const own = await open(address);
    await own.see("Your Ledger is ready");
    await own.choose("#open-choose", stage.file("me.json", profile()), await stage.sealed("a.csv", "a"));
    await own.see("a.csv.sealed");
    await own.page.click("#open-run");
    await own.see("1 file opened.");
    assert.ok(await listens(address));
    await own.page.close();
    await until("nobody to listen", async () => !(await listens(address)));
    await until("the key to be forgotten", () => /One key was forgotten: the page of saltbridge open is closed/.test(stage.bridge?.said ?? ""));
  });

  it("says so when the bridge stops", async () => {
    const own = await open();
    await own.see("Your Ledger is ready");
    await stage.bridge?.stop();
    await own.see("The connection to your bridge has ended");
    await own.see("saltbridge serve");
  });

  it("believes nobody else who answers at its address", async () => {
    const address = await stage.address();
    const own = await open(address);
    await own.see("Your Ledger is ready");
    await stage.bridge?.stop("SIGKILL");
    const squatter = createServer((_, response) => {
      response.setHeader("content-type", "application/json").end('{"version":"0.1.0","interface":1,"device":{"state":"ready"},"scopes":[],"keys":0}');
    });
    await new Promise((done) => squatter.listen(Number(new URL(address).port), "127.0.0.1", () => done(null)));
    await own.see("This is not your bridge");
    squatter.close();
    squatter.closeAllConnections();
  });

  it("runs its own scripts alone, under a policy that it never breaks", async () => {
    const address = await stage.address();
    /** @type {import("node:http").IncomingMessage} */
    const { headers } = await new Promise((resolve) => get(address, { headers: NAVIGATION }, resolve));
    assert.equal(headers["content-security-policy"], POLICY);
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    const own = await open(address);
    await own.see("Your Ledger is ready");
    await own.choose("#open-choose", stage.file("me.json", profile()), await stage.sealed("a.csv", "a"));
    await own.see("a.csv.sealed");
    await own.page.click("#open-run");
    await own.see("1 file opened.");
    await own.page.click("#open-files a");
    await own.saved("a.csv");
    for (const view of /** @type {const} */ (["seal", "create", "export", "sites"])) await own.go(view);
    await own.page.click("#to-create");
    await own.page.click("#create-run");
    await own.see("Your new key pair");
    assert.deepEqual(await own.violations(), []);
    assert.deepEqual(own.troubles, []);

    // That breaches are seen.
    await own.page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "document.title = 'broken'";
      document.body.append(script);
      const style = document.createElement("p");
      style.setAttribute("style", "color: red");
      document.body.append(style);
    });
    await until("the policy to be broken", async () => (await own.violations()).length >= 2);
    assert.notEqual(await own.page.title(), "broken");
  });

  it("talks to its bridge alone", async () => {
    const own = await open();
    await own.see("Your Ledger is ready");
    for (const view of /** @type {const} */ (["seal", "create", "export", "sites"])) await own.go(view);
    const loaded = await own.page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin));
    assert.ok(loaded.length > 20, "what it loaded is told");
    assert.deepEqual([...new Set(loaded)], [new URL(own.page.url()).origin]);
    assert.deepEqual(await own.violations(), []);
  });
});
