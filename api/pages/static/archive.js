// Packs many files as one ZIP, uncompressed: a form takes fewer files than a folder may hold.

export const MOST = 65_535; // more entries than that would need ZIP64

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** A ZIP (PKWARE APPNOTE 6.3) of [{name, file}], MOST at most, as a Blob; `onProgress` is called with the share that is packed. */
export async function pack(files, onProgress) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [place, { name, file }] of files.entries()) {
    const path = new TextEncoder().encode(name);
    const facts = [await checksum(file), file.size, file.size];
    const local = record(0x04034b50, [20, 0x800, 0, 0, 0x21], facts, [path.length, 0]);
    parts.push(local, path, file);
    directory.push(
      record(0x02014b50, [20, 20, 0x800, 0, 0, 0x21], facts, [path.length, 0, 0, 0, 0], [0, offset]),
      path,
    );
    offset += local.length + path.length + file.size;
    if (place % 100 === 0) onProgress(place / files.length);
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record(0x06054b50, [0, 0, files.length, files.length], [size, offset], [0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** A signature, then fields of 16, 32, 16, 32 bits in turn; little-endian. */
function record(signature, ...groups) {
  const fields = [[4, signature], ...groups.flatMap((group, place) => group.map((value) => [place % 2 ? 4 : 2, value]))];
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [width]) => sum + width, 0)));
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

async function checksum(file) {
  let crc = 0xffffffff;
  for (const byte of new Uint8Array(await file.arrayBuffer())) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
