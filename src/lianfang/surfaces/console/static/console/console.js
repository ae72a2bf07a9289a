// On a phone the menu is one line that is pushed sideways: the page one is on stands in the middle of it.
document.querySelector(".menu-row > .here, .menu-group > .here")?.scrollIntoView({ block: "nearest", inline: "center" });
// Closes the masthead's panel or a group of the menu when somebody clicks elsewhere or presses Escape; everything else works without scripts.
const OPEN = "details.mast-more[open], details.menu-group[open]";
document.addEventListener("click", (event) => {
  document.querySelectorAll(OPEN).forEach((panel) => {
    if (!panel.contains(event.target)) panel.removeAttribute("open");
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll(OPEN).forEach((panel) => panel.removeAttribute("open"));
});
// A unit of the tree that is open folds up again when its arrow is pressed a second time.
document.addEventListener("htmx:beforeRequest", (event) => {
  const arrow = event.target.closest(".tree .open");
  if (!arrow) return;
  const under = document.querySelector(arrow.getAttribute("hx-target"));
  if (under && under.childElementCount) {
    event.preventDefault();
    under.replaceChildren();
    arrow.textContent = "▸";
  } else {
    arrow.textContent = "▾";
  }
});
