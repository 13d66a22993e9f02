// The worked example of docs/bridge-protocol.md, read from the document itself.

import { readFileSync } from "node:fs";

const DOCUMENT = new URL("../../../../docs/bridge-protocol.md", import.meta.url);

const text = readFileSync(DOCUMENT, "utf8").replace(/^[^]*\n## Worked example\n/, "");

/** Its blocks in order: the language that a block names, and its text. */
const blocks = [...text.matchAll(/^```(\w+)\n([^]*?)\n```$/gm)].map(([, language, block]) => ({ language, block }));

/** The blocks that are tables: a name, two spaces or more, a value. */
export const values = new Map(
  blocks
    .filter(({ language, block }) => language === "text" && !block.startsWith('"@'))
    .flatMap(({ block }) => block.split("\n").map((line) => line.split(/ {2,}/))),
);

/** @param {string} name of a value in hexadecimal */
export function bytes(name) {
  return new Uint8Array(Buffer.from(values.get(`${name} (hex)`) ?? values.get(name), "hex"));
}

const bases = blocks.filter(({ block }) => block.startsWith('"@')).map(({ block }) => block);
const messages = blocks.filter(({ language }) => language === "http").map(({ block }) => message(block));

/** Each call: what is signed and sent in both directions. */
export const calls = bases.filter((_, at) => at % 2 === 0).map((requestBase, at) => ({
  request: { base: requestBase, ...messages[2 * at] },
  answer: { base: bases[2 * at + 1], ...messages[2 * at + 1] },
}));

/** @param {string} block */
function message(block) {
  const [head, body = ""] = block.split(/\n\n([^]*)/);
  const [start, ...lines] = head.split("\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(/: ([^]*)/, 2)).map(([name, value]) => [name.toLowerCase(), value]));
  const [first, second] = start.split(" ");
  return { start, headers, body, ...(first === "HTTP/1.1" ? { status: Number(second) } : { method: first, target: second }) };
}
