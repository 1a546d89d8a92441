// The list of one's own jobs: all can be ticked at once, and the buttons wait for a tick.

import { count } from "./text.js";
import "./times.js";

const form = document.querySelector(".ticks");
const all = form?.querySelector("[data-all]");

function settle() {
  const boxes = [...form.querySelectorAll("[name=job]")];
  const chosen = boxes.filter((box) => box.checked).length;
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  form.querySelector("[data-chosen]").textContent = chosen ? count("admin.chosencount", chosen) : "";
  for (const button of form.querySelectorAll("[name=act]")) button.disabled = !chosen;
}

if (form) {
  form.querySelector("[data-allof]").hidden = false;
  all.addEventListener("change", () => {
    for (const box of form.querySelectorAll("[name=job]")) box.checked = all.checked;
  });
  form.addEventListener("change", settle);
  // A page that comes back from the history has its ticks still.
  window.addEventListener("pageshow", settle);
  settle();
}
