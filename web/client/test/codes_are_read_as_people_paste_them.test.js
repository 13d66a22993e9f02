// Case, hyphens and white space do not matter, O is 0, I and L are 1; everything else is `bad-code`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readCode } from "../src/proofs.js";

const hex = (text) => Buffer.from(readCode(text)).toString("hex");

test("each of the 32 characters has its five bits, highest first", () => {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  [...alphabet].forEach((character, value) => {
    assert.equal(BigInt(`0x${hex(`000000000000000${character}`)}`), BigInt(value));
    assert.equal(BigInt(`0x${hex(`${character}000000000000000`)}`), BigInt(value) << 75n);
  });
});

test("the highest and the lowest code", () => {
  assert.equal(hex("0000-0000-0000-0000"), "00".repeat(10));
  assert.equal(hex("ZZZZ-ZZZZ-ZZZZ-ZZZZ"), "ff".repeat(10));
});

const SAME = hex("0123-4567-89AB-CDEF");
for (const text of [
  "0123456789ABCDEF", "0123-4567-89ab-cdef", "  0123-4567-89AB-CDEF\n", "0123 4567 89AB CDEF", "0-1-2-3-4-5-6-7-8-9-A-B-C-D-E-F",
  "O123-4567-89AB-CDEF", "oI23-4567-89AB-CDEF", "0L23-4567-89AB-CDEF", "0l23-4567-89AB-CDEF", "0i23\t4567\u00a089AB\r\nCDEF",
]) {
  test(`the same code: ${JSON.stringify(text)}`, () => assert.equal(hex(text), SAME));
}

for (const text of [
  "", "-", "0123-4567-89AB-CDE", "0123-4567-89AB-CDEFG", "0123-4567-89AB-CDEU", "0123-4567-89AB-CDE!", "0123-4567-89AB-CDE_",
  "0123–4567–89AB–CDEF", "0123-4567-89AB-CDE\u0131", "0123-4567-89AB-CDE\u017f", "0123-4567-89AB-CDE\uff10",
  "0123-4567-89AB-CDE\u0660", undefined, null, 123456789012345, {}, [],
]) {
  test(`no code: ${JSON.stringify(text)}`, () => {
    assert.throws(() => readCode(text), { name: "SaltbridgeError", code: "bad-code" });
  });
}

test("an error does not repeat what was pasted", () => {
  const error = (() => {
    try {
      return readCode("SECRET-PASSWORD-UUU");
    } catch (thrown) {
      return thrown;
    }
  })();
  assert.doesNotMatch(`${error.message} ${error.help} ${error.stack}`, /SECRET-PASSWORD/);
});
