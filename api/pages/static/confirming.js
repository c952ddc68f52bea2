// What cannot be undone takes two clicks: after the first, the button asks, and waits a moment for the second.

const MEANT_MS = 4000;

/** Call `work` at the second click in a row on `button`. */
export function twice(button, work) {
  const { textContent: word, ariaLabel: spoken } = button;
  let timer = 0;
  const calm = () => {
    clearTimeout(timer);
    timer = 0;
    button.textContent = word;
    button.ariaLabel = spoken;
  };
  button.addEventListener("blur", calm);
  button.addEventListener("click", () => {
    if (timer) {
      calm();
      work();
      return;
    }
    button.textContent = "Really?";
    button.ariaLabel = `Really: ${spoken ?? word}?`;
    timer = setTimeout(calm, MEANT_MS);
  });
}
