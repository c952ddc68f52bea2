// Messages to the person: what failed and what to do about it, and what a screen reader should say.

import { find, make } from "./dom.js";
import { remind } from "./key.js";

/** Show an error until it is closed; with `again`, offer to try again. A lasting one stays beside the next. */
export function complain(error, again) {
  if (error.name === "AbortError") return;
  if (!error.title) console.error(error);
  const close = () => notice.remove();
  const notice = make(
    "div",
    { class: "notice", role: "alert", "data-lasting": error.lasting ? error.title : "" },
    make("strong", {}, error.title ?? "Something went wrong on this page"),
    make("button", { type: "button", class: "quiet close", "aria-label": "Close", onclick: close }, "✕"),
    make("p", {}, error.message),
  );
  if (again) {
    const retry = () => (close(), again());
    notice.append(make("div", { class: "row" }, make("button", { type: "button", onclick: retry }, "Try again")));
  }
  const { lasting } = notice.dataset;
  const others = [...find("notices").children].filter(({ dataset }) => dataset.lasting && dataset.lasting !== lasting);
  find("notices").replaceChildren(...others, notice);
}

/** Call `work`, and show whatever it throws. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    complain(error, error.passing ? () => attempt(work) : undefined);
  }
}

/** Have `work` done for a button or a link, whose clicks do nothing until it is over but repeat the question for a key. Disabled, it would lose the focus. */
export async function act(button, work) {
  if (button.ariaBusy) return remind();
  button.ariaBusy = "true";
  await attempt(work);
  button.ariaBusy = null;
}

/** Have a screen reader say something. */
export function announce(text) {
  find("announcement").textContent = text;
}
