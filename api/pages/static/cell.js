// One image in the grid: its picture, what was read and how sure; by signs and words, not by colour alone.

import { make } from "./dom.js";
import { isSheet } from "./items.js";
import { glyph, upload } from "./thumbnails.js";
import { flags, percent, spoken } from "./words.js";

const MARKS = { marked: "✕", checked: "✓", failed: "!", uncertain: "?", "": "" };

/** A new cell for `item`, which is at `place` in the grid. */
export function makeCell(item, place, path) {
  const picture = make("img", { alt: "", width: 84, height: 84, draggable: false });
  const cell = make(
    "div",
    { role: "option", class: "cell", id: `item-${item.index}`, "aria-posinset": place + 1 },
    make("span", { class: "picture" }, picture),
    make("b", {}),
    make("span", { class: "sure" }),
    make("span", { class: "mark" }),
    make("span", { class: "flag" }),
  );
  fill(cell, item);
  let wanted; // the picture asked for last; others that arrive late are not shown
  const show = (source) => {
    wanted = source;
    source(path, item).then(
      (address) => wanted === source && (picture.src = address),
      () => wanted === source && source === upload && cell.classList.add("gone"),
    );
  };
  picture.onload = () => cell.classList.remove("gone");
  picture.onerror = () => cell.classList.add("gone");
  show(upload);
  if (item.status === "succeeded" && !isSheet(item)) {
    cell.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && (cell.classList.add("seen"), show(glyph)));
    cell.addEventListener("pointerleave", () => (cell.classList.remove("seen"), show(upload)));
  }
  return cell;
}

/** Write into a cell what is now known of its image. */
export function fill(cell, item, { marked = false } = {}) {
  const [, label, sure, mark, flag] = cell.children;
  const changed = item.correction != null && item.correction !== item.label;
  if (isSheet(item)) label.replaceChildren(make("small", {}, item.correction ?? item.text));
  else label.replaceChildren(...(changed ? [make("s", {}, item.label ?? ""), item.correction] : [item.label ?? "–"]));
  flag.textContent = flags(item).join(", ");
  if (item.status !== "succeeded") sure.textContent = item.status;
  else sure.textContent = item.confidence === null ? "" : percent(item.confidence);
  const kind = marked ? "marked" : kindOf(item);
  cell.dataset.kind = kind;
  mark.textContent = MARKS[kind];
  cell.style.setProperty("--sure", `${Math.round(100 * Math.max(0, ((item.confidence ?? 0) - 0.3) / 0.7))}%`);
  cell.setAttribute("aria-label", describe(item, marked));
}

function kindOf({ correction, status, uncertain }) {
  if (correction != null) return "checked";
  if (status === "failed") return "failed";
  return uncertain ? "uncertain" : "";
}

function describe(item, marked) {
  const words = [`${item.index + 1}, ${item.name}`];
  if (item.status === "succeeded") words.push(isSheet(item) ? `read as ${item.text || "nothing"}` : `read as ${spoken(item.label)}, ${percent(item.confidence)}`);
  else words.push(item.error ? `failed: ${item.error.detail}` : item.status);
  words.push(...flags(item));
  if (item.correction != null) words.push(`checked: ${spoken(item.correction)}`);
  else if (item.uncertain) words.push("uncertain");
  if (marked) words.push("marked wrong");
  return words.join("; ");
}
