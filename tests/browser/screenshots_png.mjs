// PNG with a palette: a picture of a page has few colours, and takes a third of the space this way. Reads what Chromium
// writes (8 bits each of red, green and blue, perhaps alpha, not interlaced), and nothing else.

import { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** @param {Buffer} png @returns {Buffer} */
export function withPalette(png) {
  const { width, height, pixels } = decode(png);
  const palette = paletteOf(pixels);
  /** @type {Map<number, number>} */
  const places = new Map();
  const rows = Buffer.alloc((width + 1) * height);
  for (let at = 0; at < pixels.length; at += 1) {
    const colour = pixels[at] ?? 0;
    const place = places.get(colour) ?? nearest(palette, colour);
    places.set(colour, place);
    rows[Math.floor(at / width) * (width + 1) + 1 + (at % width)] = place;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const image = deflateSync(rows, { level: 9, memLevel: 9 });
  return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("PLTE", colours), chunk("IDAT", image), chunk("IEND", Buffer.alloc(0))]);
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** PNG, annex D. @param {Buffer} bytes */
function crc32(bytes) {
  return (bytes.reduce((rest, byte) => (CRC[(rest ^ byte) & 255] ?? 0) ^ (rest >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
}

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** The colours of a picture, one number each, 0xrrggbb. @param {Buffer} png */
function decode(png) {
  /** @type {Record<string, Buffer[]>} */
  const chunks = {};
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString("latin1", at + 4, at + 8);
    (chunks[type] ??= []).push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const head = chunks["IHDR"]?.[0] ?? Buffer.alloc(13);
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const [depth, kind, , , interlaced] = head.subarray(8);
  const size = kind === 2 ? 3 : 4;
  if (depth !== 8 || (kind !== 2 && kind !== 6) || interlaced) throw new Error("not a PNG as Chromium writes it");
  const raw = inflateSync(Buffer.concat(chunks["IDAT"] ?? []));
  const stride = width * size;
  const bytes = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row += 1) unfilter(raw, bytes, row, stride, size);
  const pixels = new Uint32Array(width * height);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = bytes.readUIntBE(at * size, 3);
  return { width, height, pixels };
}

/** PNG, section 9. @param {Buffer} raw @param {Buffer} bytes @param {number} row @param {number} stride @param {number} size */
function unfilter(raw, bytes, row, stride, size) {
  const filter = raw[row * (stride + 1)] ?? 0;
  for (let x = 0; x < stride; x += 1) {
    const at = row * stride + x;
    const a = x >= size ? (bytes[at - size] ?? 0) : 0;
    const b = row > 0 ? (bytes[at - stride] ?? 0) : 0;
    const c = x >= size && row > 0 ? (bytes[at - stride - size] ?? 0) : 0;
    const guess = [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter] ?? 0;
    bytes[at] = (raw[row * (stride + 1) + 1 + x] ?? 0) + guess;
  }
}

/** @param {number} a @param {number} b @param {number} c */
function paeth(a, b, c) {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** The 256 colours that are there most, of those that are near one another the first. @param {Uint32Array} pixels @returns {number[]} */
function paletteOf(pixels) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const byCount = [...counts].sort(([, one], [, other]) => other - one).map(([colour]) => colour);
  /** @type {number[]} */
  const palette = [];
  for (const apart of [12, 4, 0]) {
    for (const colour of byCount) {
      if (palette.length === 256) return palette;
      if (palette.every((other) => distance(colour, other) > apart)) palette.push(colour);
    }
  }
  return palette;
}

/** @param {number[]} palette @param {number} colour */
function nearest(palette, colour) {
  let best = 0;
  for (let at = 1; at < palette.length; at += 1) {
    if (distance(colour, palette[at] ?? 0) < distance(colour, palette[best] ?? 0)) best = at;
  }
  return best;
}

/** How far two colours are apart, in the channel in which they are most. @param {number} one @param {number} other */
function distance(one, other) {
  return Math.max(Math.abs((one >> 16) - (other >> 16)), Math.abs(((one >> 8) & 255) - ((other >> 8) & 255)), Math.abs((one & 255) - (other & 255)));
}
