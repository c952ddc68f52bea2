// The image in focus: as it was sent, as the network saw it, what it may be, and what it is.

import { spoken } from "./cell.js";
import { find, make } from "./dom.js";
import { readings } from "./readings.js";
import { glyph, upload } from "./thumbnails.js";

export class Inspector {
  #node = find("inspector");

  /** `choose(label)` corrects what is in focus, null takes it back; `labels` are those of the model. */
  constructor(path, labels, choose) {
    Object.assign(this, { path, labels, choose });
    this.palette = make("div", { class: "palette", role: "group", "aria-label": "It is" },
      ...[...labels].map((label) => make("button", { type: "button", "aria-label": `It is ${spoken(label)}`, onclick: () => choose(label) }, label)));
    this.figures = make("div", { class: "figures" });
    this.facts = make("div", { class: "stack" });
    const close = () => this.#node.classList.remove("picked");
    const button = make("button", { type: "button", class: "quiet close", "aria-label": "Close", onclick: close }, "✕");
    this.#node.append(button, this.figures, this.facts, make("p", { class: "soft small" }, "It is:"), this.palette);
  }

  /** On a phone it is in the way until an image is touched. */
  pick() {
    this.#node.classList.add("picked");
  }

  show(item) {
    this.#node.hidden = !item;
    if (!item) return;
    if (item.index !== this.index) this.#showPictures(item);
    this.index = item.index;
    this.facts.replaceChildren(make("p", { class: "file" }, item.name), ...this.#reading(item), ...this.#checked(item));
    for (const button of this.palette.children) button.ariaPressed = String(button.textContent === item.correction);
  }

  #showPictures(item) {
    const sent = this.#figure("as sent", upload, item);
    const seen = item.status === "succeeded" ? [this.#figure("as the network saw it", glyph, item)] : [];
    this.figures.replaceChildren(sent, ...seen);
  }

  #figure(words, source, item) {
    const picture = make("img", { alt: "", class: source === glyph ? "glyph" : "" });
    const figure = make("figure", {}, make("span", { class: "frame" }, picture), make("figcaption", {}, words));
    source(this.path, item).then(
      (address) => (picture.src = address),
      () => (figure.lastChild.textContent = `${words}: no picture`),
    );
    return figure;
  }

  #reading(item) {
    if (item.status === "failed") return [make("p", { class: "bad" }, `Could not be read: ${item.error.detail}.`)];
    if (!item.top_k) return [make("p", { class: "soft" }, "Not read.")];
    const shown = item.top_k.filter(({ p }, place) => place < 3 || p > 0.01);
    return [make("div", { class: "readings" }, ...readings(shown, this.choose))];
  }

  #checked(item) {
    if (item.correction == null) return item.uncertain ? [make("p", { class: "warn" }, "? The network is not sure.")] : [];
    const right = item.correction === item.label;
    const words = right ? `✓ Checked: it is ${item.correction}.` : `✓ Corrected: it is ${item.correction}.`;
    const undo = make("button", { type: "button", class: "quiet", onclick: () => this.choose(null) }, "Take back");
    return [make("div", { class: "row between" }, make("p", {}, words), undo)];
  }
}
