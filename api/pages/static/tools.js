// Filters and order of the grid: how many images there are of each kind and label, and which are wanted.

import { find, make } from "./dom.js";
import { tally } from "./selection.js";
import { count, spoken } from "./words.js";

export class Tools {
  wanted = { show: "all", label: null, sort: "order" };
  #segments = [...document.querySelectorAll("[data-show]")];
  #chips = new Map();

  constructor(changed) {
    this.changed = changed;
    for (const button of this.#segments) button.addEventListener("click", () => this.#want({ show: button.dataset.show }));
    find("sort").addEventListener("change", ({ target }) => this.#want({ sort: target.value }));
  }

  /** Show how many images there are of each kind and label; return the numbers by kind. */
  count(list) {
    const { kinds, labels } = tally(list);
    for (const button of this.#segments) button.lastElementChild.textContent = count(kinds[button.dataset.show]);
    const known = [...labels.keys()].sort();
    if (known.some((label) => !this.#chips.has(label))) {
      for (const label of known) if (!this.#chips.has(label)) this.#chips.set(label, this.#chip(label));
      find("labels").replaceChildren(...[...this.#chips.keys()].sort().map((label) => this.#chips.get(label)));
    }
    for (const [label, chip] of this.#chips) {
      const number = count(labels.get(label) ?? 0);
      chip.lastElementChild.textContent = number;
      chip.ariaLabel = `${spoken(label)} ${number}`;
    }
    return kinds;
  }

  /** Select all images of one label, the least sure first, to be looked through as a group. */
  startGroup() {
    const [first = null] = [...this.#chips.keys()].sort();
    find("sort").value = "unsure";
    this.#want({ show: "all", sort: "unsure", label: this.wanted.label ?? first });
  }

  #chip(label) {
    const toggle = () => this.#want({ label: this.wanted.label === label ? null : label });
    return make("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: toggle }, make("span", {}, label), " ", make("b", {}, ""));
  }

  #want(change) {
    Object.assign(this.wanted, change);
    for (const button of this.#segments) button.ariaPressed = String(button.dataset.show === this.wanted.show);
    for (const [label, chip] of this.#chips) chip.ariaPressed = String(label === this.wanted.label);
    this.changed();
  }
}
