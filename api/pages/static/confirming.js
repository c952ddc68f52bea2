// What cannot be undone is asked for twice: the button says so, and means it for a moment.

const MEANT_MS = 4000;

/** Have `work` done at the second click in a row on `button`. */
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
