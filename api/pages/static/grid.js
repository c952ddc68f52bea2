// The grid of images: only those on the screen have elements, however many there are.

import { fill, makeCell } from "./cell.js";
import { once } from "./dom.js";

const WIDTH = 104;
const HEIGHT = 138;
const GAP = 10;
const MARGIN = 2; // rows above and below the screen

export class Grid extends EventTarget {
  items = [];
  at = 0; // the image in focus
  marked = new Set();
  #cells = new Map();

  /** `end()` is where the part of the screen ends on which the grid is seen, in pixels from the top. */
  constructor(node, path, end) {
    super();
    Object.assign(this, { node, path, end });
    this.draw = once(() => this.#draw());
    addEventListener("scroll", this.draw, { passive: true });
    new ResizeObserver(this.draw).observe(node);
    node.addEventListener("focus", this.draw);
    node.addEventListener("click", (event) => {
      const cell = event.target.closest(".cell");
      if (!cell) return;
      this.at = Number(cell.ariaPosInSet) - 1;
      this.#moved();
      this.dispatchEvent(new Event("pick"));
    });
  }

  get columns() {
    return Math.max(1, Math.floor((this.node.clientWidth + GAP) / (WIDTH + GAP)));
  }

  get item() {
    return this.items[this.at];
  }

  /** Show `items`; the image in focus stays in focus if it is among them. */
  show(items) {
    const { item, items: before } = this;
    this.items = items;
    this.#keep((place) => items[place] === before[place]);
    this.at = Math.max(0, item ? items.indexOf(item) : 0);
    this.#moved();
  }

  /** Focus the image at `place`, and scroll to it. */
  go(place) {
    if (!this.items.length) return;
    this.at = Math.min(this.items.length - 1, Math.max(0, place));
    this.#moved();
    this.reveal();
  }

  #moved() {
    this.draw();
    this.dispatchEvent(new Event("move"));
  }

  /** Scroll to the image in focus, if it is not in sight. */
  reveal() {
    const top = this.node.getBoundingClientRect().top + Math.floor(this.at / this.columns) * (HEIGHT + GAP);
    const end = this.end() - 12;
    if (top < 12) scrollBy(0, top - 12);
    else if (top + HEIGHT > end) scrollBy(0, Math.min(top - 12, top + HEIGHT - end));
  }

  #draw() {
    const { columns, items, node } = this;
    const stretch = (node.clientWidth - columns * WIDTH) / Math.max(1, columns - 1);
    const step = WIDTH + (items.length < columns ? GAP : stretch);
    node.style.height = `${Math.ceil(items.length / columns) * (HEIGHT + GAP)}px`;
    const top = node.getBoundingClientRect().top;
    const row = (pixels) => Math.floor(pixels / (HEIGHT + GAP));
    const first = Math.max(0, row(-top) - MARGIN) * columns;
    const after = Math.min(items.length, (row(innerHeight - top) + MARGIN + 1) * columns);
    const seen = new Set([this.at]);
    for (let place = first; place < after; place += 1) seen.add(place);
    this.#keep((place) => seen.has(place));
    for (const place of seen) if (items[place]) this.#place(place, columns, step);
    const id = this.item && `item-${this.item.index}`;
    if (id) node.setAttribute("aria-activedescendant", id);
    else node.removeAttribute("aria-activedescendant");
  }

  /** Remove the cells that are not wanted. */
  #keep(wanted) {
    for (const [place, cell] of this.#cells) {
      if (wanted(place)) continue;
      cell.remove();
      this.#cells.delete(place);
    }
  }

  /** Draw the image at `place`. Nothing is measured here: the browser would lay out the page anew for each image. */
  #place(place, columns, step) {
    const item = this.items[place];
    const cell = this.#cells.get(place) ?? makeCell(item, place, this.path);
    fill(cell, item, { marked: this.marked.has(item) });
    cell.style.transform = `translate(${(place % columns) * step}px, ${Math.floor(place / columns) * (HEIGHT + GAP)}px)`;
    cell.ariaSelected = String(place === this.at);
    cell.ariaSetSize = String(this.items.length);
    if (this.#cells.has(place)) return;
    this.#cells.set(place, cell);
    this.node.append(cell);
  }
}
