// Keys and the copy button; everything else works without.
"use strict";
const rows = () => [...document.querySelectorAll("a.row-link")];
function step(by) {
  const links = rows();
  const here = links.indexOf(document.activeElement);
  const next = links[here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by];
  if (next) next.focus();
}
const follow = (selector) => document.querySelector(selector)?.click();
const keys = {
  "/": () => (document.querySelector("#q") || document.querySelector("#row-id")).focus(),
  j: () => step(1),
  k: () => step(-1),
  n: () => follow("a.next"),
  p: () => follow("a.previous"),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const act = keys[event.key];
  if (act) { event.preventDefault(); act(); }
});
if (matchMedia("(max-width: 900px)").matches) document.querySelectorAll(".all-filters").forEach((one) => { one.open = false; });
document.querySelectorAll("button.copy").forEach((button) => {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.of).textContent);
    button.textContent = "Copied";
  });
});
