"use strict";
// Without this script the pictures stand side by side; it lays them over each other and moves the edge between them.
const show = (pair, share) => {
  pair.style.setProperty("--x", `${share}%`);
  pair.querySelector("input").value = share;
};
const follow = (pair, event) => {
  const box = pair.getBoundingClientRect();
  show(pair, Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100)));
};
let dragged = null;
document.addEventListener("pointerdown", (event) => {
  const pair = event.target.closest?.(".pair:not(.single)");
  if (!pair || event.button !== 0) return;
  dragged = pair;
  pair.setPointerCapture(event.pointerId);
  pair.querySelector("input").focus({ preventScroll: true, focusVisible: false });
  follow(pair, event);
});
// By default a press takes the focus away from the slider, and the arrow keys with it.
document.addEventListener("mousedown", (event) => {
  if (event.target.closest?.(".pair:not(.single)")) event.preventDefault();
});
document.addEventListener("pointermove", (event) => {
  if (dragged) follow(dragged, event);
});
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => (dragged = null));
}
document.addEventListener("input", (event) => {
  if (event.target.type === "range") {
    event.target.parentNode.style.setProperty("--x", `${event.target.value}%`);
  } else if (event.target.id === "search") {
    const wanted = event.target.value.toLowerCase();
    for (const card of document.querySelectorAll(".card")) {
      card.hidden = !card.querySelector("h2").title.toLowerCase().includes(wanted);
    }
  }
});
