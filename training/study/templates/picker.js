const panels = [...document.querySelectorAll(".letter")];
const links = [...document.querySelectorAll(".picker a")];
const choose = () => {
  const wanted = panels.find(panel => "#" + panel.id === decodeURIComponent(location.hash));
  const shown = wanted ?? panels.find(panel => !panel.hidden) ?? panels[0];
  for (const panel of panels) panel.hidden = panel !== shown;
  for (const link of links) {
    if (decodeURIComponent(link.hash) === "#" + shown.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (wanted) wanted.scrollIntoView({ block: "nearest" });
};
if (panels.length) {
  addEventListener("hashchange", choose);
  choose();
}
