// Review by keyboard: move, correct with one key, confirm, take back; and by group, marking the wrong images.

import { find } from "./dom.js";
import { correctable, isSheet, open, said } from "./items.js";
import { announce } from "./notices.js";
import { images } from "./words.js";

export class Review {
  grouped = false;
  #confirmed = null; // what "The others are right" said last: of which selection, and its images by label

  constructor(corrections, grid, labels) {
    Object.assign(this, { corrections, grid, labels });
    grid.node.addEventListener("keydown", (event) => this.#type(event));
    grid.addEventListener("move", () => this.grouped && this.#tell());
    corrections.addEventListener("change", () => this.grouped && this.#tell());
    grid.addEventListener("pick", () => this.grouped && this.#mark());
    find("group-right").addEventListener("click", ({ detail: clicks }) => {
      if (clicks > 1) return; // of a double click, which would take back what it said
      if (this.#revocable) this.#revoke();
      else this.#confirmOthers();
    });
  }

  /** Give a label to the marked images of a group, else to the image in focus. */
  choose(label) {
    if (this.grouped && this.grid.marked.size) return this.#chooseMarked(label);
    const item = this.grid.item;
    if (!item) return undefined;
    if (!correctable(item)) return announce("It was not read, so it cannot be corrected.");
    const kept = isSheet(item) ? "The text is kept" : `It is ${label}`;
    const done = this.#correct([item], label, label === null ? "Taken back" : kept);
    if (label !== null) this.#next();
    return done;
  }

  #chooseMarked(label) {
    const marked = [...this.grid.marked].filter(correctable);
    if (!marked.length) return announce("What is marked was not read, so it cannot be corrected.");
    return this.#correct(marked, label, `${images(marked.length)}: ${label ?? "taken back"}`);
  }

  /** Switch between groups, in which one marks what is wrong, and corrections image by image. */
  group(on) {
    this.grouped = on;
    this.grid.marked.clear();
    this.grid.node.setAttribute("aria-multiselectable", String(on));
    find("group").ariaPressed = String(on);
    this.#tell();
  }

  #mark() {
    const { marked, item } = this.grid;
    if (!item) return;
    if (!marked.delete(item)) marked.add(item);
    this.grid.draw();
    this.#tell();
  }

  #tell() {
    const wrong = this.grid.marked.size;
    find("group-bar").hidden = !this.grouped;
    find("group-text").textContent = wrong
      ? `${images(wrong)} marked. Press or choose the character they are.`
      : "Click the images that were misread, or mark them with Space.";
    find("group-right").disabled = !this.grid.items.length;
    find("group-right").textContent = this.#revocable ? "Take that back" : "The others are right";
  }

  /** Whether something of what was confirmed is still so: it may have been corrected since, or not be saved. */
  get #revocable() {
    if (this.#confirmed?.of !== this.grid.items) return false;
    return [...this.#confirmed.right].some(([label, some]) => some.some((item) => item.correction === label));
  }

  #confirmOthers() {
    const right = new Map();
    for (const item of this.grid.items) {
      if (this.grid.marked.has(item) || item.correction != null || !item.label) continue;
      right.set(item.label, [...(right.get(item.label) ?? []), item]);
    }
    if (right.size) this.#confirmed = { of: this.grid.items, right };
    const overwrite = false; // corrections made elsewhere since the images were fetched are not seen here
    for (const [label, items] of right) this.#correct(items, label, `${images(items.length)} right`, overwrite);
  }

  /** Withdraw what was confirmed with one click, except where it was corrected since. */
  #revoke() {
    const items = [...this.#confirmed.right].flatMap(([label, some]) => some.filter((item) => item.correction === label));
    this.#confirmed = null;
    this.#correct(items, null, `${images(items.length)}: taken back`);
  }

  #correct(items, label, words, overwrite = true) {
    for (const item of items) this.grid.marked.delete(item);
    this.#tell();
    announce(words);
    return this.corrections.say(items, label, overwrite);
  }

  /** On to the next image that is uncertain and not checked. */
  #next() {
    const { items, at } = this.grid;
    const ahead = [...items.keys()].map((step) => (at + 1 + step) % items.length);
    const place = ahead.find((each) => open(items[each]));
    if (place !== undefined) this.grid.go(place);
    else if (items.every((item) => !open(item))) announce("No uncertain image is left here.");
  }

  #type(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { at, columns, items } = this.grid;
    const places = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns,
      Home: 0, End: items.length - 1, PageUp: at - 4 * columns, PageDown: at + 4 * columns,
    };
    if (event.repeat && !(event.key in places)) {
      if (event.key === " " && this.grouped) event.preventDefault(); // it would scroll
      return; // one press, one image
    }
    if (event.key in places) this.grid.go(places[event.key]);
    else if (event.key === "Enter") this.#agree();
    else if (event.key === "Backspace" || event.key === "Delete") this.choose(null);
    else if (event.key === " " && this.grouped) this.#mark();
    else if (event.key.length === 1 && event.key !== " ") this.#press(event.key);
    else return;
    event.preventDefault();
  }

  /** Confirm what was read, if anything was. */
  #agree() {
    const label = this.grid.item && said(this.grid.item);
    return label ? this.choose(label) : announce("Nothing was read here.");
  }

  /** Choose the label of a key; a letter that the model has only in the other case stands for that. */
  #press(key) {
    if (!this.grid.item) return undefined;
    if (isSheet(this.grid.item)) return announce("Correct its text in the field beside it.");
    const other = key === key.toUpperCase() ? key.toLowerCase() : key.toUpperCase();
    const label = [key, other].find((each) => this.labels.includes(each));
    return label ? this.choose(label) : announce(`The network knows no ${key}.`);
  }
}
