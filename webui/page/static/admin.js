// The administrator's pages: what is marked as live is fetched anew while somebody looks
// at it, and lists can be chosen from as a whole.

import { count } from "./text.js";
import { localize } from "./times.js";

const every = 10000;
const remembered = "convertd.admin.live";

const live = document.querySelector("[data-live-switch]");
const on = live.querySelector("input");
let timer = 0;
let tag = "";

// busy says that a change under the reader's hands would take something away.
function busy() {
  return !on.checked || document.hidden || document.querySelector("[name=job]:checked, details.ask[open]") !== null;
}

async function renew() {
  clearTimeout(timer);
  if (!busy()) {
    try {
      const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.ok && !answer.redirected && !busy()) {
        tag = answer.headers.get("ETag") ?? "";
        replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      }
    } catch {
      // away for the moment; the next round asks again
    }
  }
  timer = setTimeout(renew, every);
}

// replace takes over the live parts. The one that has the focus stays as it is.
function replace(page) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || part.contains(document.activeElement)) continue;
    const scrolled = part.closest(".scroll")?.scrollTop;
    part.replaceWith(fresh);
    localize(fresh);
    if (scrolled) fresh.closest(".scroll").scrollTop = scrolled;
  }
  choosing();
}

// choosing shows the box for all and how many are chosen.
function choosing() {
  const all = document.querySelector("[data-all]");
  if (!all) return;
  const boxes = [...document.querySelectorAll("[name=job]")];
  const chosen = boxes.filter((box) => box.checked).length;
  all.hidden = false;
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  document.querySelector("[data-chosen]").textContent = chosen ? count("admin.chosencount", chosen) : "";
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) {
    for (const box of document.querySelectorAll("[name=job]")) box.checked = event.target.checked;
  }
  if (event.target === on) localStorage.setItem(remembered, on.checked ? "on" : "off");
  choosing();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });

// Where the style cannot say where a menu that scrolls begins.
if (!CSS.supports("scroll-initial-target", "nearest")) {
  document.querySelector(".areas [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}
live.hidden = document.querySelector("[data-live]") === null;
on.checked = localStorage.getItem(remembered) !== "off";
choosing();
timer = setTimeout(renew, every);
