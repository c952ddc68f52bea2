// Small helpers for building the page; text only ever becomes text, never markup.

/** The element with this id. */
export const find = (id) => document.getElementById(id);

/** What the gateway said about itself when it rendered the page. */
export const facts = JSON.parse(document.body.dataset.facts);

/** A new element: properties, `data-`/`aria-` attributes, `class`, `on...` handlers, children. */
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

/** A bar as wide as the share 0..1. */
export function bar(share) {
  const inside = make("span", { class: "bar-read" });
  inside.style.width = `${100 * share}%`;
  return make("div", { class: "bar", "aria-hidden": "true" }, inside);
}

/** At most one call of `work` a frame. */
export function once(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
