// The page of a job, and of a group: live cards, a link to copy, the group's bar.

import { again } from "./focus.js";
import { ended, follow } from "./live.js";
import { Log } from "./log.js";
import { t } from "./text.js";
import "./times.js";

const copy = document.querySelector("[data-copy]");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.href);
    const words = copy.textContent;
    copy.textContent = t("live.copied");
    setTimeout(() => (copy.textContent = words), 2000);
  });
}

const group = document.querySelector("[data-group]");
let done = 0;
let drawn = 0;
let drawing = false;

// The group's counts are drawn by the server; its bar moves with its jobs.
document.addEventListener("convertd-progress", ({ detail }) => {
  if (!group) return;
  if (detail.percent !== null) group.querySelector("progress").value = detail.percent;
  ({ done } = detail);
  if (!drawing) draw();
});

// draw fetches bar and counts until they are those of now.
async function draw() {
  drawing = true;
  while (drawn !== done) {
    const wanted = done;
    const answer = await fetch(`/groups/${group.dataset.group}/head`).catch(() => null);
    if (!answer?.ok) {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      continue;
    }
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const old = group.querySelector("[data-grouphead]");
    const fresh = holder.content.firstElementChild;
    const back = again(old, fresh);
    old.replaceWith(fresh);
    back();
    drawn = wanted;
  }
  drawing = false;
}

follow();

const log = document.querySelector("[data-log]");
const alone = document.querySelector("[data-alone]")?.dataset.job;
if (log) new Log(log, () => ended(alone));
