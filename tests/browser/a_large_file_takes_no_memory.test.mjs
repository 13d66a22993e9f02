// Files of 300 MB are opened for a page in one go. What the browser took for it is printed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { closeSync, createReadStream, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Lab } from "./support/lab.mjs";
import { Person } from "./support/person.mjs";

const MEGABYTE = 1_000_000;

describe("300 MB", () => {
  /** @type {Lab} */ let lab;
  /** @type {Person} */ let person;
  before(async () => {
    lab = await Lab.open();
    person = await Person.at(lab.browser, lab.origin);
    await person.connect(lab.desk);
    await person.press("Generate key pair");
    await person.see("Your profile has a new key pair");
  });
  after(() => lab.close());

  /**
   * Does something, and prints what it took.
   *
   * @param {import("node:test").TestContext} test
   * @param {string} what
   * @param {() => Promise<unknown>} work
   */
  async function measured(test, what, work) {
    const before = lab.browser.memory();
    let most = before;
    const watching = setInterval(() => (most = Math.max(most, lab.browser.memory())), 100);
    const began = performance.now();
    try {
      await work();
    } finally {
      clearInterval(watching);
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    test.diagnostic(`${what}: ${seconds} s; the browser's processes: ${before} MiB before, ${most} MiB at most, ${lab.browser.memory()} MiB after`);
  }

  it("on the disk are opened, whole", async (test) => {
    const plain = join(lab.desk.folder, "signals.bin");
    const file = openSync(plain, "w");
    for (let count = 0; count < 300; count++) writeSync(file, randomFillSync(Buffer.alloc(MEGABYTE)));
    closeSync(file);
    const { public_key_v2 } = await person.page.evaluate(async () => (await fetch("/backend-api/v1/users/me")).json());
    execFileSync(lab.desk.program, ["encrypt", plain, "--to", public_key_v2, "--quiet"], { env: lab.desk.env });

    await person.choose("Encrypted files", `${plain}.sealed`);
    await measured(test, "opened", async () => {
      await person.press("Decrypt");
      await person.see("Decrypted.", 5 * 60_000);
    });
    assert.equal(await digest(await person.save(lab.browser, "signals.bin")), await digest(plain));
    assert.equal(lab.desk.asked, 3, "two for the key pair, one for the file");
  });

  it("for which there is no key are refused with that reason", async () => {
    const code = await person.page.evaluate(async () => {
      const { bridge } = await import(new URL("/numerbay.js", location.href).href);
      const { files } = /** @type {HTMLInputElement} */ (document.querySelector("#bought"));
      return bridge.decrypt("A".repeat(22), files?.[0]).catch((/** @type {{code: string}} */ error) => error.code);
    });
    assert.equal(code, "no-such-key");
  });

  it("that the page made itself are sealed and opened, whole", async (test) => {
    const { page } = person;
    await measured(test, "made", () =>
      page.evaluate((size) => {
        const piece = () => {
          const bytes = new Uint8Array(size);
          for (let from = 0; from < size; from += 50_000) crypto.getRandomValues(bytes.subarray(from, from + 50_000));
          return new Blob([bytes]);
        };
        globalThis.made = new Blob(Array.from({ length: 300 }, piece));
      }, MEGABYTE),
    );
    await measured(test, "sealed", () =>
      page.evaluate(async () => {
        const { bridge } = await import(new URL("/numerbay.js", location.href).href);
        const { public_key_v2 } = await (await fetch("/backend-api/v1/users/me")).json();
        globalThis.sealed = await bridge.encrypt(public_key_v2, globalThis.made);
      }),
    );
    await measured(test, "opened", () =>
      page.evaluate(async () => {
        const { decryptfileV2 } = await import(new URL("/numerbay.js", location.href).href);
        globalThis.opened = await decryptfileV2(globalThis.sealed);
      }),
    );
    const same = await page.evaluate(async (size) => {
      const { made, opened } = globalThis;
      const digest = async (/** @type {Blob} */ blob) => new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer())).join();
      for (let from = 0; from < made.size; from += 10 * size) {
        const [one, other] = await Promise.all([made, opened].map((blob) => digest(blob.slice(from, from + 10 * size))));
        if (one !== other) return `not the same from ${from}`;
      }
      return opened.size;
    }, MEGABYTE);
    assert.equal(same, 300 * MEGABYTE);
  });
});

/** @param {string} path */
async function digest(path) {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}
