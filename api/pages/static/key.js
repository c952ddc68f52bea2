// The API key, where the gateway wants one: asked for once, kept in this tab, forgotten with it.

import { facts, find } from "./dom.js";

const PLACE = "inkqueue-key";
const WHY = find("key-why").textContent;
const WRONG = "The service does not know that key. Look at it again, or ask whoever runs the service for one.";
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

/** Resolves once there is another key than in these headers, which the service does not know. */
export async function needOtherKey({ Authorization: refused }) {
  if (keyHeaders().Authorization === refused) await askKey(WRONG);
}

/** Ask for a key; concurrent calls share the answer. */
function askKey(why = WHY) {
  const dialog = find("key");
  asking ??= new Promise((resolve) => {
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(PLACE, find("key-input").value.replace(/[^!-~]/g, ""));
      find("key-input").value = "";
      dialog.close();
      asking = null;
      resolve();
    };
  });
  if (!dialog.open) {
    find("key-why").textContent = why;
    dialog.showModal(); // it may have been closed without an answer
  }
  return asking;
}

if (facts.keyed) {
  const button = find("key-button");
  button.hidden = false;
  button.addEventListener("click", async () => {
    await askKey();
    location.reload();
  });
  find("key-later").addEventListener("click", () => find("key").close());
}
