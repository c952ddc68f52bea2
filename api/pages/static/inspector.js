// The image in focus: as it was sent, as the network saw it, what it may be, and what it is.

import { find, make } from "./dom.js";
import { correctable, isSheet, said } from "./items.js";
import { readings } from "./readings.js";
import { boxes, glyph, upload } from "./thumbnails.js";
import { flags, spoken } from "./words.js";

/** Where the screen ends for what is not to be covered: on a phone, at the open inspector. */
export function uncovered() {
  const sheet = find("inspector");
  return getComputedStyle(sheet).position === "fixed" && sheet.offsetHeight ? sheet.getBoundingClientRect().top : innerHeight;
}

export class Inspector {
  #node = find("inspector");
  #drafts = new Map(); // index -> a text that is being written

  /** `choose(label)` corrects the image in focus, null takes that back; `labels` are those of the model. */
  constructor(path, labels, choose) {
    Object.assign(this, { path, labels, choose });
    this.palette = make("div", { class: "palette", role: "group", "aria-label": "It is" },
      ...[...labels].map((label) => make("button", { type: "button", "aria-label": `It is ${spoken(label)}`, onclick: () => choose(label) }, label)));
    this.figures = make("div", { class: "figures" });
    this.facts = make("div", { class: "stack" });
    this.text = make("textarea", { rows: 6, maxLength: 10_000, spellcheck: false, "aria-label": "Its text" });
    const keep = (event) => {
      event.preventDefault();
      this.#drafts.delete(this.index);
      choose(this.text.value || null);
    };
    this.text.addEventListener("input", () => {
      if (this.text.value === this.text.defaultValue) this.#drafts.delete(this.index);
      else this.#drafts.set(this.index, this.text.value);
    });
    addEventListener("beforeunload", (event) => this.#drafts.size && event.preventDefault());
    this.form = make("form", { class: "stack text", onsubmit: keep }, this.text, make("button", { type: "submit" }, "Keep this text"));
    this.is = make("p", { class: "soft small" }, "It is:");
    const close = () => {
      this.#node.classList.remove("picked");
      find("grid").focus({ preventScroll: true });
    };
    const button = make("button", { type: "button", class: "quiet close", "aria-label": "Close", onclick: close }, "✕");
    this.#node.append(button, this.figures, this.facts, this.is, this.palette, this.form);
  }

  /** Open the inspector, which a phone hides until an image is touched. */
  pick() {
    this.#node.classList.add("picked");
  }

  /** Open it by keyboard, and focus where the image is corrected. */
  enter() {
    this.pick();
    (this.form.hidden ? this.palette.firstElementChild : this.text)?.focus();
  }

  show(item) {
    this.#node.hidden = !item;
    if (!item || (item.index === this.index && item.correction === this.correction)) return; // nothing else changes
    if (item.index !== this.index) this.#showPictures(item);
    this.#offer(item);
    this.index = item.index;
    const focused = this.facts.contains(document.activeElement);
    this.facts.replaceChildren(make("p", { class: "file" }, item.name), ...this.#reading(item), ...this.#checked(item));
    if (focused) find("grid").focus({ preventScroll: true }); // what had the focus is gone
    this.correction = item.correction;
    for (const button of this.palette.children) button.ariaPressed = String(button.textContent === item.correction);
  }

  /** Offer labels for one character, a field for a text; a text that is being written stays. */
  #offer(item) {
    const sheet = isSheet(item);
    this.is.hidden = this.palette.hidden = sheet || !correctable(item);
    this.form.hidden = !sheet;
    if (item.index === this.index) this.#drafts.delete(item.index); // it was corrected
    this.text.defaultValue = said(item) ?? "";
    this.text.value = this.#drafts.get(item.index) ?? this.text.defaultValue;
    this.#node.classList.toggle("of-sheet", sheet);
  }

  #showPictures(item) {
    if (isSheet(item)) {
      this.figures.replaceChildren(this.#figure("what was found", boxes, item));
      return;
    }
    const sent = this.#figure("as sent", upload, item);
    const seen = item.status === "succeeded" ? [this.#figure("as the network saw it", glyph, item)] : [];
    this.figures.replaceChildren(sent, ...seen);
  }

  #figure(words, source, item) {
    const picture = make("img", { alt: "", class: source === glyph ? "glyph" : "" });
    const figure = make("figure", {}, make("span", { class: "frame" }, picture), make("figcaption", {}, words));
    picture.onerror = () => {
      picture.removeAttribute("src");
      figure.lastChild.textContent = `${words}: no picture`;
    };
    source(this.path, item).then((address) => (picture.src = address), picture.onerror);
    return figure;
  }

  #reading(item) {
    if (item.status === "failed") return [make("p", { class: "bad" }, `Could not be read: ${item.error.detail}.`)];
    const badges = flags(item).map((word) => make("span", { class: "flag" }, word));
    const row = badges.length ? [make("p", { class: "row" }, ...badges)] : [];
    if (isSheet(item)) return row;
    if (!item.top_k) return [make("p", { class: "soft" }, "Not read.")];
    const shown = item.top_k.filter(({ p }, place) => place < 3 || p > 0.01);
    return [make("div", { class: "readings" }, ...readings(shown, this.choose)), ...row];
  }

  #checked(item) {
    if (item.correction == null) return item.uncertain ? [make("p", { class: "warn" }, "? The network is not sure.")] : [];
    const right = item.correction === (item.label ?? item.text);
    const what = isSheet(item) ? "it says this" : `it is ${item.correction}`;
    const words = `✓ ${right ? "Checked" : "Corrected"}: ${what}.`;
    const undo = make("button", { type: "button", class: "quiet", onclick: () => this.choose(null) }, "Take back");
    return [make("div", { class: "row between" }, make("p", {}, words), undo)];
  }
}
