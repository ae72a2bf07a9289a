// On a phone the menu is one line that is pushed sideways: the page one is on stands in the middle of it.
document.querySelector(".menu .here")?.scrollIntoView({ block: "nearest", inline: "center" });
// Closes the masthead's panel when somebody clicks elsewhere or presses Escape; everything else works without scripts.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.mast-more[open]").forEach((panel) => {
    if (!panel.contains(event.target)) panel.removeAttribute("open");
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.mast-more[open]").forEach((panel) => panel.removeAttribute("open"));
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
