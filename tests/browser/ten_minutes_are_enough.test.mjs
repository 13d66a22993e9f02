// The example as docs/web-integration.md has a developer start it: by its own server, at localhost, without a Ledger and
// without any permission.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Browser } from "./support/browsers.mjs";
import { Desk, freePort } from "./support/desk.mjs";
import { PROJECT } from "./support/modules.mjs";
import { Person } from "./support/person.mjs";
import { Program } from "./support/programs.mjs";
import { certificateIn } from "./support/sites.mjs";

describe("the example's own server", () => {
  /** @type {Desk} */ let desk;
  /** @type {Browser} */ let browser;
  /** @type {Program[]} */ const servers = [];
  before(async () => {
    desk = await Desk.withBridge();
    browser = await Browser.launch(1);
  });
  after(async () => {
    await browser.close();
    for (const server of servers) await server.stop();
    await desk.clear();
  });

  /** @param {...string} options @returns {Promise<Person>} */
  async function served(...options) {
    const port = String(await freePort());
    const script = join(PROJECT, "examples/web/serve.mjs");
    const all = [script, "--port", port, "--bridge-port", String(desk.port), ...options];
    const server = new Program(process.execPath, all, { env: desk.env, cwd: desk.folder });
    servers.push(server);
    const [, origin] = await server.says(/Open (https?:\/\/localhost:\d+)\. Let it in with: saltbridge pair \1/);
    return Person.at(browser, origin);
  }

  it("serves a page that works", async () => {
    const person = await served();
    await person.seeState("not-paired");
    await person.connect(desk, "create,decrypt,encrypt,export");
    await person.press("Generate key pair");
    await person.see("Your profile has a new key pair");
    await person.opensFile({ desk, browser });
    await person.press("Export key pair");
    await person.see("Save numerbay.json");
    assert.equal(desk.asked, 4);
  });

  it("serves it over https, with a certificate", async () => {
    const { key, cert } = certificateIn(desk.folder);
    const person = await served("--certificate", cert, "--key", key);
    await person.seeState("not-paired");
    await person.connect(desk);
    await person.seeState("ready");
  });

  it("takes the account of another Ledger", async () => {
    const person = await served("--address", "0x0000000000000000000000000000000000000001");
    await person.see("0x0000000000000000000000000000000000000001");
    await person.connect(desk);
    await person.press("Generate key pair");
    await person.see(/Outcome\s+The device has no account 0x0{39}1/i);
    assert.equal(desk.asked, 4, "nothing was asked under another account");
  });
});
