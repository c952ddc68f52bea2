// Pictures of images: fetched when they are seen, a few at a time; the latest are cached.

import { blob, slow } from "./gateway.js";
import { Patience } from "./patience.js";

const AT_ONCE = 4;
const KEPT = 600;
const SHOWABLE = /^image\/(png|jpeg|webp|bmp)/;

const kept = new Map(); // path -> promise of an address, the least recently used first
const waiting = [];
const patience = new Patience();
let running = 0;

let any = true;

/** Set whether the job keeps its images; if not, none is requested. */
export function expectImages(keeps) {
  any = keeps;
}

/** The address of an upload as it can be shown, or of what the network saw where it cannot. */
export function upload(path, { index, status }) {
  return cached(`${path}/items/${index}/image`, async (place) => {
    const picture = await fetched(place);
    if (picture) return picture;
    if (status === "failed") throw new Error("There is no picture of it.");
    return fetched(`${path}/items/${index}/preview.png?show=glyph`);
  });
}

/** The address of what the network saw. */
export function glyph(path, { index }) {
  return cached(`${path}/items/${index}/preview.png?show=glyph`, fetched);
}

/** The address of an upload with a box around each of its characters. */
export function boxes(path, { index }) {
  return cached(`${path}/items/${index}/preview.png`, fetched);
}

/** A picture as it comes, or null if it cannot be shown. Throws what `call` does, also if nothing comes for a while. */
async function fetched(place) {
  const answer = await slow(place);
  if (SHOWABLE.test(answer.headers.get("Content-Type"))) return blob(answer);
  await answer.body.cancel();
  return null;
}

function cached(place, fetch) {
  if (!any) return Promise.reject(new Error("Images are not kept."));
  const found = kept.get(place) ?? queued(place, fetch);
  kept.delete(place);
  kept.set(place, found);
  found.catch(() => kept.delete(place)); // next time it may be there
  if (kept.size > KEPT) forget(kept.keys().next().value);
  return found;
}

function queued(place, fetch) {
  return new Promise((resolve, reject) => {
    waiting.push(() => patience.call(() => fetch(place)).then(URL.createObjectURL).then(resolve, reject));
    next();
  });
}

/** Start the latest request first: its picture is the one looked at now. */
async function next() {
  if (running >= AT_ONCE || !waiting.length) return;
  running += 1;
  await waiting.pop()();
  running -= 1;
  next();
}

function forget(place) {
  kept.get(place).then(URL.revokeObjectURL, () => {});
  kept.delete(place);
}
