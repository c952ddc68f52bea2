// The API key, where the gateway wants one: asked for once, kept in this tab, forgotten with it.

import { facts, find } from "./dom.js";

const PLACE = "inkqueue-key";
let asking = null;

/** The headers that hold the caller's key. */
export function keyHeaders() {
  const key = sessionStorage.getItem(PLACE);
  return facts.keyed && key ? { Authorization: `Bearer ${key}` } : {};
}

/** Resolves once there is a key to try. */
export async function needKey() {
  if (facts.keyed && !sessionStorage.getItem(PLACE)) await askKey();
}

/** Ask for a key, or for another one; concurrent calls share the answer. */
export function askKey(why = "") {
  asking ??= new Promise((resolve) => {
    const dialog = find("key");
    if (why) find("key-why").textContent = why;
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(PLACE, find("key-input").value.replace(/[^!-~]/g, ""));
      find("key-input").value = "";
      dialog.close();
      asking = null;
      resolve();
    };
  });
  if (!find("key").open) find("key").showModal(); // Escape closes it, whatever `cancel` says
  return asking;
}

if (facts.keyed) {
  const button = find("key-button");
  button.hidden = false;
  button.addEventListener("click", async () => {
    await askKey();
    location.reload();
  });
}
