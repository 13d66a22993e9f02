// Whatever stands between a page and the bridge, the person is told what it is and what to do; and finding it out makes
// the browser ask nothing.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";

import { Lab } from "./support/lab.mjs";
import { Person } from "./support/person.mjs";

describe("a page whose person has not been asked yet", () => {
  /** @type {Lab} */ let lab;
  before(async () => (lab = await Lab.open({ permission: "prompt" })));
  after(() => lab.close());

  it("says that the browser will ask, and has not asked", async () => {
    const person = await Person.at(lab.browser, lab.origin);
    await person.seeState("permission-undecided");
    await person.see("Connect");
    assert.deepEqual(await lab.desk.settledCalls(), [], "nothing reached the bridge");
  });
});

describe("a page that the person keeps from this computer", () => {
  /** @type {Lab} */ let lab;
  before(async () => (lab = await Lab.open({ permission: "denied" })));
  after(() => lab.close());

  it("says so, and offers the other way", async () => {
    const person = await Person.at(lab.browser, lab.origin);
    await person.seeState("permission-denied");
    await person.see("Open the saltbridge window");
    assert.deepEqual(await lab.desk.settledCalls(), [], "nothing reached the bridge");
  });
});

describe("a page that may reach this computer", () => {
  /** @type {Lab} */ let lab;
  /** @type {Person} */ let person;
  before(async () => {
    lab = await Lab.open();
    person = await Person.at(lab.browser, lab.origin);
    await person.seeState("not-paired");
    await person.connect(lab.desk);
    await person.press("Generate key pair");
    await person.see("Your profile has a new key pair");
    await person.opensFile(lab);
    await person.seeState("ready");
  });
  after(() => lab.close());

  it("says that the bridge does not run, and that it does again", async () => {
    await lab.desk.stopBridge();
    await person.press("Check again");
    await person.seeState("not-running");
    await person.see("saltbridge serve");
    await lab.desk.startBridge();
    await person.press("Check again");
    await person.seeState("ready");
  });

  it("says that a program which took the port is not the person's bridge, and sends it nothing of value", async () => {
    const { asked } = lab.desk;
    await lab.desk.stopBridge();
    const squatter = await Squatter.at(lab.desk.port);
    try {
      await person.press("Check again");
      await person.seeState("wrong-bridge");
      // With an envelope, a file to open, a file to seal.
      for (const name of ["Generate key pair", "Export key pair", "Decrypt", "Encrypt for the buyer"]) {
        const { length } = squatter.heads;
        await person.press(name);
        await person.see(/Outcome\s+What answers is not the bridge that this browser was paired with\./);
        assert.ok(squatter.heads.length > length, "it was asked");
      }
      assert.deepEqual(squatter.bodies, [], "and told nothing");
      // What it heard is worth nothing later: signatures for what changes nothing, of this moment.
      assert.deepEqual(squatter.heads.filter((head) => !/^(OPTIONS|GET) \/v1\/(status|events)$/.test(head)), []);
    } finally {
      await squatter.close();
      await lab.desk.startBridge();
    }
    await person.press("Check again");
    await person.seeState("ready");
    assert.equal(lab.desk.asked, asked);
  });

  it("says that its pairing was revoked", async () => {
    await lab.desk.revoke(lab.origin);
    await person.press("Check again");
    await person.seeState("revoked");
    await person.see(`saltbridge pair ${lab.origin}`);
    await person.press("Decrypt");
    await person.see(/Outcome\s+The bridge did not answer\./);
    await person.connect(lab.desk);
    await person.seeState("ready");
  });
});

describe("a page whose own policy forbids it", () => {
  /** @type {Lab} */ let lab;
  before(async () => {
    const policy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self'; img-src 'self'; connect-src 'self'";
    lab = await Lab.open({ headers: { "content-security-policy": policy } });
  });
  after(() => lab.close());

  it("says that it is the page's policy", async () => {
    const person = await Person.at(lab.browser, lab.origin);
    await person.seeState("page-csp");
    await person.see(/Content-Security-Policy|policy/);
    assert.deepEqual(await lab.desk.settledCalls(), []);
  });
});

/** A program that took the bridge's port and says yes to everybody. */
class Squatter {
  /** @type {string[]} */ heads = [];
  /** @type {string[]} */ bodies = [];

  /** @param {number} port */
  static async at(port) {
    const squatter = new Squatter();
    squatter.server = createServer(async (request, response) => {
      squatter.heads.push(`${request.method} ${request.url}`);
      let body = "";
      for await (const piece of request) body += piece;
      if (body) squatter.bodies.push(body);
      response.writeHead(200, {
        "access-control-allow-origin": request.headers.origin ?? "*",
        "access-control-allow-headers": "content-type, content-digest, signature, signature-input",
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-expose-headers": "signature, signature-input, content-digest",
        "content-type": "application/json",
      });
      response.end('{"version":"0.1.0","interface":1,"device":{"state":"ready"},"scopes":["create","decrypt","encrypt"],"keys":0}');
    });
    await new Promise((resolve) => squatter.server.listen(port, "127.0.0.1", () => resolve(null)));
    return squatter;
  }

  /** @type {import("node:http").Server} */ server = /** @type {any} */ (null);

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
