// Messages to the person: what failed and what to do about it, and what a screen reader should say.

import { find, make } from "./dom.js";
import { Silence } from "./refusals.js";

/** Show an error until it is closed; with `again`, offer to try again. */
export function complain(error, again) {
  if (error.name === "AbortError") return;
  if (!error.title) console.error(error);
  const close = () => notice.remove();
  const notice = make(
    "div",
    { class: "notice", role: "alert" },
    make("strong", {}, error.title ?? "Something went wrong on this page"),
    make("button", { type: "button", class: "quiet close", "aria-label": "Close", onclick: close }, "✕"),
    make("p", {}, error.message),
  );
  if (again) {
    const retry = () => (close(), again());
    notice.append(make("div", { class: "row" }, make("button", { type: "button", onclick: retry }, "Try again")));
  }
  find("notices").replaceChildren(notice);
}

/** Have `work` done; whatever it throws is shown. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    complain(error, error.retryAfter || error instanceof Silence ? () => attempt(work) : undefined);
  }
}

/** Say something to those who listen to the page. */
export function announce(text) {
  find("announcement").textContent = text;
}
