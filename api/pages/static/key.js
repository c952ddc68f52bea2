// The API key, where the gateway wants one: asked for once, kept in this tab, forgotten with it.

import { facts, find } from "./dom.js";

const PLACE = "inkqueue-key";
const WHY = find("key-why").textContent;
const WRONG = "The service does not know that key. Look at it again, or ask whoever runs the service for one.";
const dialog = find("key");
let waiting = null; // {promise, resolve} of the calls that wait for a key

/** The headers that hold the caller's key. */
export function keyHeaders() {
  const key = facts.keyed && sessionStorage.getItem(PLACE); // a browser may forbid a page to keep anything
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** The answer to `ask(headers)`; it is asked again with another key as long as the service does not know the one that it was given. */
export async function withKey(ask) {
  for (;;) {
    if (facts.keyed && !sessionStorage.getItem(PLACE)) await askKey();
    const headers = keyHeaders();
    const answer = await ask(headers);
    if (answer.status !== 401) return answer;
    if (keyHeaders().Authorization === headers.Authorization) await askKey(WRONG);
  }
}

/** Ask again, if the question was closed and calls still wait for its answer. */
export function remind() {
  if (waiting) show(WHY);
}

/** Ask for a key; concurrent calls share the answer. */
function askKey(why = WHY) {
  waiting ??= Promise.withResolvers();
  show(why); // it may have been closed without an answer
  return waiting.promise;
}

function show(why) {
  if (dialog.open) return;
  find("key-why").textContent = why;
  dialog.showModal();
}

/** Keep the key that was given. Calls that wait for it go on; if none does, the page shows what another key sees. */
function take(event) {
  event.preventDefault();
  sessionStorage.setItem(PLACE, find("key-input").value.replace(/[^!-~]/g, ""));
  find("key-input").value = "";
  dialog.close();
  if (waiting) waiting.resolve();
  else location.reload();
  waiting = null;
}

if (facts.keyed) {
  const button = find("key-button");
  button.hidden = false;
  button.addEventListener("click", () => show(WHY));
  dialog.addEventListener("submit", take);
  find("key-later").addEventListener("click", () => dialog.close());
}
