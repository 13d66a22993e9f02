// tweetnacl-sealedbox-js as NumerBay's web app uses it, a whole file in memory. Needs NODE_PATH.
//
//   tweetnacl_box.js open KEYFILE IN OUT
//   tweetnacl_box.js seal PUBLICKEY IN OUT
"use strict";

const fs = require("fs");
const sealedBox = require("tweetnacl-sealedbox-js");

// The web app has plain Uint8Arrays, not Node's Buffers.
function bytes(buffer) {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function fromBase64(text) {
  return bytes(Buffer.from(text, "base64"));
}

function run(command, key, input) {
  if (command === "seal") {
    return sealedBox.seal(bytes(fs.readFileSync(input)), fromBase64(key));
  }
  const pair = JSON.parse(fs.readFileSync(key, "utf8"));
  const box = bytes(fs.readFileSync(input));
  return sealedBox.open(box, fromBase64(pair.public_key), fromBase64(pair.private_key));
}

const [command, key, input, output] = process.argv.slice(2);
const result = run(command, key, input);
if (result === null) {
  throw new Error("the box does not open");
}
fs.writeFileSync(output, result);
