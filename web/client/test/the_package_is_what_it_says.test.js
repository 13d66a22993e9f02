// Types are those of the source, the README's code compiles and its tables are whole, and nothing is needed at run time.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { OWN_CODES } from "../src/errors.js";
import { STATES } from "../src/diagnose.js";
import * as client from "../src/index.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const read = (...path) => readFileSync(join(ROOT, ...path), "utf8");
const ts = await import("typescript").then((it) => it.default, () => null);
const skip = ts ? false : "*** SKIPPED: typescript is not installed: npm ci --ignore-scripts ***";
if (skip) console.error(skip);
const README = read("README.md");

/** The compiler's settings, and the names of the sources. */
function settings() {
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return { options, fileNames };
}

const told = (diagnostics) => diagnostics.map(({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);

test("types/ is what the compiler makes of src/ today", { skip }, () => {
  const { options, fileNames } = settings();
  const made = {};
  const program = ts.createProgram(fileNames, { ...options, noEmit: false, outDir: join(ROOT, "types") });
  assert.deepEqual(told(ts.getPreEmitDiagnostics(program)), []);
  program.emit(undefined, (name, text) => (made[name.slice(ROOT.length + "/types/".length)] = text));
  const committed = Object.fromEntries(readdirSync(join(ROOT, "types")).map((name) => [name, read("types", name)]));
  assert.deepEqual(committed, made, "run: npm run types");
});

test("the README's code is code that this package and its types accept", { skip }, () => {
  const { options } = settings();
  const blocks = [...README.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, block]) => block);
  assert.equal(blocks.length, 5);
  const given = `
    const its = /** @type {any} */ (globalThis);
    /** @type {{encrypted_private_key_v2: string, public_key_v2: string, public_address: string}} */ const profile = its.profile;
    /** @type {Blob} */ const sealed = its.sealed;
    /** @type {File} */ const file = its.file;
    /** @type {HTMLButtonElement} */ const button = its.button;
    /** @param {string} text */ function tell(text) {}`;
  const code = blocks.join("\n").replace(/^import .*$/gm, "");
  const imports = `import { IndexedDbKeys, MemoryKeys, Saltbridge } from "saltbridge";`;
  const name = join(ROOT, "readme.mjs");
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.readFile = (file) => (file === name ? `${imports}\n${given}\n${code}` : readFile(file));
  host.getSourceFile = (file, ...more) => (file === name ? ts.createSourceFile(name, host.readFile(name), ...more) : getSourceFile(file, ...more));
  const program = ts.createProgram([name], { ...options, rootDir: undefined, noImplicitAny: false }, host);
  assert.deepEqual(told(ts.getPreEmitDiagnostics(program)), []);
});

/** The first column of the table whose head is this one. */
function table(head) {
  const rows = README.slice(README.indexOf(`| ${head} |`)).split("\n\n")[0].split("\n").slice(2);
  return rows.map((row) => /^\| `([^`]*)`/.exec(row)[1]).sort();
}

test("the README tells every error and every state, and no other", () => {
  assert.deepEqual(table("code | what happened"), [...OWN_CODES].sort());
  assert.deepEqual(table("state | what it means"), Object.keys(STATES).sort());
});

test("what is public", () => {
  assert.deepEqual(Object.keys(client).sort(), ["IndexedDbKeys", "MemoryKeys", "Saltbridge", "SaltbridgeError"]);
  const methods = Object.getOwnPropertyNames(client.Saltbridge.prototype).filter((name) => name !== "constructor");
  assert.deepEqual(methods.sort(), [
    "address", "call", "closeHandoff", "createKeys", "decrypt", "diagnose", "encrypt", "events", "export", "forget", "handoff",
    "isPaired", "lock", "openHandoff", "pair", "status", "unpair", "unwrap",
  ]);
});

test("nothing is needed at run time, and what develops it has exact versions", () => {
  const manifest = JSON.parse(read("package.json"));
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.peerDependencies, undefined);
  for (const version of Object.values(manifest.devDependencies)) assert.match(version, /^[0-9]+\.[0-9]+\.[0-9]+$/);
  assert.doesNotMatch(read("package-lock.json"), /https?:/);
  for (const name of readdirSync(join(ROOT, "src"))) {
    for (const [, from] of read("src", name).matchAll(/^(?:import|export)[^;]* from "([^"]*)";/gm)) assert.match(from, /^\.\/[a-z]+\.js$/);
    assert.doesNotMatch(read("src", name), /\beval\b|new Function|import\(\s*[^"\s]|innerHTML/);
  }
});

test("the module can be loaded, and a client made, where there is no browser", async () => {
  const bridge = new client.Saltbridge();
  assert.equal(bridge.handoff, false);
  await assert.rejects(bridge.isPaired(), { code: "no-storage" });
  await assert.rejects(bridge.pair("0123-4567-89AB-CDEF"), { code: "unsupported" });
  await assert.rejects(bridge.openHandoff(), { code: "unsupported" });
});
