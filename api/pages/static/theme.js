// Sets light or dark before anything is painted: as chosen, else as the system has it.
(() => {
  const root = document.documentElement;
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    });
  });
  root.dataset.theme = localStorage.getItem("theme") ?? ""; // last: a browser may forbid a page to keep anything
})();
