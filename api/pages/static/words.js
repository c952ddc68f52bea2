// Figures and states in plain words.

const number = new Intl.NumberFormat("en");
const moment = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const FEW = 10;

const STATES = {
  queued: "waiting",
  running: "being read",
  canceling: "stopping",
  succeeded: "done",
  partially_failed: "done, some failed",
  failed: "failed",
  canceled: "canceled",
};

const FLAGS = {
  blank: "blank",
  low_contrast: "faint",
  several_characters: "several",
  touches_edge: "cut off",
  too_small: "too small",
  not_a_character: "no character",
};

export const FINAL = new Set(["succeeded", "partially_failed", "failed", "canceled", "expired"]);

export const count = (n) => number.format(n);
export const images = (n) => `${count(n)} ${n === 1 ? "image" : "images"}`;
export const state = (name) => STATES[name] ?? name;
/** Reasons to doubt an image, in a word each. */
export const flags = (item) => (item.flags ?? []).map((name) => FLAGS[name] ?? name);
export const time = (text) => moment.format(new Date(text));
export function percent(p) {
  if (p > 0 && p < 0.005) return "< 1 %";
  return p > 0.994 && p < 0.9995 ? `${(100 * p).toFixed(1)} %` : `${Math.round(100 * p)} %`;
}

/** A label as it is read out: a screen reader does not distinguish a from A. */
export function spoken(label) {
  if (label.length > 1 || label.toLowerCase() === label.toUpperCase()) return label;
  return label === label.toUpperCase() ? `capital ${label}` : `small ${label}`;
}

export function bytes(n) {
  const units = ["B", "kB", "MB", "GB"];
  let place = 0;
  while (n >= 1000 && place < units.length - 1) [n, place] = [n / 1000, place + 1];
  return `${n < 10 && place ? n.toFixed(1) : Math.round(n)} ${units[place]}`;
}

export function seconds(s) {
  if (s < 60) return `${Math.max(1, Math.round(s))} s`;
  return s < 3600 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`;
}

/** The title of a job: as its sender named it, else its id. */
export const title = (job) => job.metadata?.title || job.id;

/** Names as a message has them: the first few, and how many more there are. */
export function few(names, counted = count) {
  const more = names.length - FEW;
  return more > 0 ? [...names.slice(0, FEW), `and ${counted(more)} more`] : names;
}
