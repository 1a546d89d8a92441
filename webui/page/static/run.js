// The page of a button: everybody who has it open sees the run that goes on, its log,
// and the list of the last ones, also when somebody else pressed it.

import { adopt, ended, follow } from "./live.js";
import { Log } from "./log.js";
import { localize } from "./times.js";

const run = document.getElementById("run");
const panel = run.querySelector("[data-log]");
panel.open = true;
follow();
const log = new Log(panel, () => ended(run.dataset.shown));
const beat = 2000;
let drawn = "";
let timer = 0;

// look asks whether there is another run, and draws the list when it changed. Nobody
// asks while nobody looks.
async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  const answer = await fetch(run.dataset.runs).catch(() => null);
  const text = answer?.ok ? await answer.text() : drawn;
  if (text !== drawn) {
    drawn = text;
    const holder = document.createElement("template");
    holder.innerHTML = text;
    draw(holder.content.firstElementChild);
  }
  clearTimeout(timer);
  timer = setTimeout(look, beat);
}

function draw(list) {
  const old = document.querySelector("[data-runlist]");
  const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
  localize(list);
  old.replaceWith(list);
  if (focused) list.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  const busy = "busy" in list.dataset;
  for (const button of document.querySelectorAll("[data-run]")) button.disabled = busy;
  document.querySelector("[data-busywords]").hidden = !busy;
  watch(list.dataset.newest);
}

function watch(id) {
  if (!id || id === run.dataset.shown) return;
  run.dataset.shown = id;
  let card = run.querySelector("[data-job]");
  if (!card) {
    card = document.createElement("article");
    run.prepend(card);
  }
  adopt(id, card);
  log.turnTo(`/api/v1/jobs/${id}/log`);
}

look();
document.addEventListener("visibilitychange", () => !document.hidden && look());
