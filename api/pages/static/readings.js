// The readings of an image, likeliest first, each with a bar: for the pad and for the image in focus.

import { bar, make } from "./dom.js";
import { percent, spoken } from "./words.js";

/** Rows of [{label, p}]; with `choose`, each is a button that calls it with the label. */
export function readings(likely, choose) {
  return likely.map(({ label, p }, place) =>
    make(
      choose ? "button" : "div",
      {
        class: place ? "reading" : "reading first",
        ...(choose && { type: "button", onclick: () => choose(label), "aria-label": `${spoken(label)}, ${percent(p)}` }),
      },
      make("b", {}, label),
      bar(p),
      make("span", {}, percent(p)),
    ),
  );
}
