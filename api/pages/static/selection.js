// Which images are shown, in which order: filters, a label, a sort.

import { isSheet, said } from "./items.js";

const SHOWN = {
  all: () => true,
  uncertain: (item) => item.uncertain,
  failed: (item) => item.status === "failed",
  checked: (item) => item.correction != null,
};

const SORTED = {
  order: null,
  unsure: (a, b) => sureness(a) - sureness(b),
  sure: (a, b) => sureness(b) - sureness(a),
};

/** The items to show. */
export function select(list, { show, label, sort }) {
  const wanted = list.filter((item) => SHOWN[show](item) && (label === null || said(item) === label));
  return SORTED[sort] ? wanted.sort(SORTED[sort]) : wanted;
}

/** The number of items of each kind, and of each label. */
export function tally(list) {
  const kinds = Object.fromEntries(Object.keys(SHOWN).map((name) => [name, 0]));
  const labels = new Map();
  for (const item of list) {
    for (const name in kinds) kinds[name] += Boolean(SHOWN[name](item));
    const label = isSheet(item) ? null : said(item);
    if (label !== null) labels.set(label, (labels.get(label) ?? 0) + 1);
  }
  return { kinds, labels };
}

const sureness = (item) => item.confidence ?? -1;
