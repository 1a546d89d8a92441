// Cards that follow their jobs.

import { Channel } from "./channel.js";
import { said } from "./said.js";
import { again, holding, target } from "./focus.js";
import { say, show } from "./tab.js";
import { count, duration, place, t } from "./text.js";
import { localize } from "./times.js";

const ends = ["succeeded", "failed", "cancelled", "expired"];
const jobs = new Map();
const turns = new Map();
const group = document.querySelector("[data-group]");
const channel = new Channel({ group: group?.dataset.group, ids: live, hear, gone, lost, woken: redraw });

// follow keeps all job cards of the page up to date.
export function follow() {
  for (const card of document.querySelectorAll("[data-job]")) know(card);
  summarize();
  channel.connect();
}

// adopt puts a job's card in place of an element and follows it.
export async function adopt(id, element) {
  const holder = document.createElement("article");
  holder.id = `job-${id}`;
  jobs.delete(element.dataset.job);
  const back = holding(element);
  element.replaceWith(holder);
  back(target(holder));
  await renew(id);
  channel.soon();
}

// ended reports whether nothing follows for a job of the page.
export const ended = (id) => over(jobs.get(id));
const over = (job) => ends.includes(job?.state);

// know takes in a card. A job that was told to have ended has, whatever the card says.
function know(card) {
  const clock = card.querySelector("[data-clock]");
  const before = jobs.get(card.dataset.job);
  jobs.set(card.dataset.job, {
    ...before,
    drawn: card.dataset.state,
    state: over(before) ? before.state : card.dataset.state,
    attempt: before?.attempt ?? 0,
    name: card.dataset.name,
    percent: card.querySelector("[data-bar]")?.getAttribute("value"),
    start: performance.now() - 1000 * Number(clock?.dataset.elapsed ?? 0),
    usual: Number(clock?.dataset.usual ?? 0),
    previews: Number(card.querySelector("[data-previews]")?.dataset.previews ?? 0),
  });
  for (const form of card.querySelectorAll("form[data-act]")) form.addEventListener("submit", act);
}

// live lists the jobs that have not ended, those that run first.
function live() {
  const all = [...jobs].filter(([, job]) => !over(job));
  const runs = ([, job]) => job.state === "running";
  return [...all.filter(runs), ...all.filter((one) => !runs(one))].map(([id]) => id);
}

// hear takes one status document and returns whether it says anything new.
function hear(status) {
  const job = jobs.get(status.id);
  if (!job) return arrive(status);
  const told = JSON.stringify([status.state, status.attempt, status.percent, status.message, status.step, status.queue_position]);
  if (over(job) || told === job.told) return false;
  const other = status.state !== job.drawn || (job.attempt && status.attempt !== job.attempt);
  // A status without any word is the row's: what the runner told last says more.
  if (!other && job.percent != null && status.percent === null && !status.step) return false;
  // A picture of the unfinished result is drawn by the server.
  const pictured = !other && status.previews > job.previews;
  Object.assign(job, { told, state: status.state, attempt: status.attempt, left: status.eta_seconds, percent: status.percent });
  if (status.previews) job.previews = Math.max(job.previews, status.previews);
  if (!job.elsewhere) {
    if (!other && !pictured) update(document.getElementById(`job-${status.id}`), job, status);
    else if (document.hidden) job.drawn = "";
    else renew(status.id);
  }
  if (over(job)) channel.settle();
  summarize();
  return true;
}

// arrive takes in a job that joined the group. Of a group that is too large for the page
// only how far it is counts.
function arrive({ id, state, percent }) {
  if (!group || !id) return false;
  const elsewhere = "partial" in group.dataset;
  jobs.set(id, { state, percent, elsewhere });
  if (!elsewhere) {
    const holder = document.createElement("article");
    document.getElementById("cards").append(holder);
    adopt(id, holder);
  }
  summarize();
  return true;
}

function gone(id) {
  if (jobs.get(id)?.elsewhere) jobs.delete(id);
  else renew(id);
}

// redraw renews the cards that were left as they were while nobody looked.
function redraw() {
  for (const [id, job] of jobs) if (!job.elsewhere && job.drawn !== job.state) renew(id);
}

function update(card, job, status) {
  if (status.state === "running") running(card, job, status);
  else waiting(card, status);
  tick();
}

async function running(card, job, { percent, message, step }) {
  const bar = card.querySelector("[data-bar]");
  const done = percent === null ? t("live.running") : t("percent", { n: Math.floor(percent) });
  if (percent === null) bar.removeAttribute("value");
  else bar.value = percent;
  put(card, "percent", done);
  const { usually, steps } = card.querySelector("[data-doing]")?.dataset ?? {};
  const titles = steps ? JSON.parse(steps) : {};
  const words = await Promise.all([titles[step] ?? said(step), said(message)]);
  const doing = [words[0] || usually, words[1]].filter(Boolean).join(": ");
  bar.setAttribute("aria-valuetext", percent === null
    ? t("live.valueunknown", { what: doing })
    : t("live.valuetext", { what: doing, percent: Math.floor(percent) }));
  put(card, "doing", doing);
  say(job.name, t("live.said", { name: job.name, what: `${done}, ${doing}` }), percent);
}

async function waiting(card, { queue_position: position, state, message: held }) {
  if (state !== "queued" || !position) return;
  put(card, "place", position === 1 ? t("live.next") : place("live.place", position));
  put(card, "ahead", held ? await said(held) : position === 1 ? t("live.aheadnone") : count("live.ahead", position - 1));
}

function put(card, part, words) {
  const place = card.querySelector(`[data-${part}]`);
  if (place && place.textContent !== words) place.textContent = words;
}

// renew fetches the card as the server draws it: whenever more than numbers changed. Of
// several that are under way for a job the one that began last knows most; an answer
// that it overtook is dropped.
async function renew(id) {
  const turn = (turns.get(id) ?? 0) + 1;
  turns.set(id, turn);
  const old = document.getElementById(`job-${id}`);
  const query = new URLSearchParams();
  if ("alone" in old.dataset) query.set("alone", "1");
  if (old.dataset.key) query.set("manage", old.dataset.key);
  const answer = await fetch(`/jobs/${id}/card?${query}`).catch(() => null);
  const holder = document.createElement("template");
  holder.innerHTML = answer?.ok ? await answer.text() : "";
  const card = holder.content.firstElementChild;
  if (card) await measure(card);
  if (turns.get(id) !== turn) return;
  if (answer?.status === 404) {
    location.reload();
    return;
  }
  if (!answer?.ok) {
    setTimeout(() => renew(id), 2000);
    return;
  }
  localize(card);
  const back = again(old, card);
  old.replaceWith(card);
  know(card);
  back();
  const { state, drawn, name } = jobs.get(id);
  if (ends.includes(drawn)) say(name, t("live.said", { name, what: card.querySelector(".state").textContent }));
  // The card can be older than what was told.
  if (state !== drawn && !document.hidden) setTimeout(() => renew(id), 500);
  else if (ends.includes(drawn)) channel.settle();
  summarize();
}

// measure gives the pictures of a card their sizes before it is shown: a button below
// them must not move away from a pointer when they come. Nobody waits long for them.
async function measure(card) {
  const pictures = [...card.querySelectorAll(".pictures img")].map(async (picture) => {
    const same = new Image();
    same.src = picture.src;
    await same.decode();
    picture.width = same.naturalWidth;
    picture.height = same.naturalHeight;
  });
  await Promise.race([Promise.allSettled(pictures), new Promise((resolve) => setTimeout(resolve, 1000))]);
}

// act sends a card's button without leaving the page, once. The button is not switched
// off: it would lose the focus.
async function act(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  if (button.ariaDisabled) return;
  button.ariaDisabled = "true";
  await fetch(form.action, { method: "POST", redirect: "manual", body: new URLSearchParams(new FormData(form)) }).catch(() => {});
  await renew(form.closest("[data-job]").dataset.job);
  channel.settle();
}

function lost(on) {
  document.getElementById("lost").hidden = !on;
}

// tick moves the clocks on.
function tick() {
  for (const [id, job] of jobs) {
    if (over(job)) continue;
    const clock = document.querySelector(`#job-${id} [data-clock]`);
    if (clock) clock.textContent = clockWords(job, (performance.now() - job.start) / 1000);
  }
}
setInterval(tick, 1000);

function clockWords({ state, left, usual, attempt, percent }, seconds) {
  if (state !== "running") {
    const waited = t("live.waitedsofar", { time: duration(seconds, true) });
    return usual ? `${waited} · ${t("live.usual", { time: duration(usual) })}` : waited;
  }
  const words = [t("live.sofar", { time: duration(seconds, true) })];
  const rest = left ?? estimate(percent, seconds);
  if (rest > 0) words.push(t("live.left", { time: duration(rest, true) }));
  else if (usual) words.push(t(seconds > usual * 1.05 ? "live.longer" : "live.usual", { time: duration(usual) }));
  if (attempt > 1) words.push(t("live.attempt", { n: attempt }));
  return words.join(" · ");
}

// estimate says how long the rest takes at the pace so far, once that says something.
const estimate = (percent, seconds) => (percent >= 5 && seconds >= 3 ? (seconds * (100 - percent)) / percent : null);

// summarize writes the tab's title and icon for all jobs of the page, and tells how far
// they are.
function summarize() {
  const all = [...jobs.values()];
  if (!all.length) return;
  const done = all.filter(over);
  // Of a group that is too large for the page more is known with its stream.
  const part = all.length < Number(group?.dataset.partial ?? 0);
  const percent = part ? null : all.reduce((sum, job) => sum + (over(job) ? 100 : Number(job.percent ?? 0)), 0) / all.length;
  document.dispatchEvent(new CustomEvent("convertd-progress", { detail: { percent, done: done.length } }));
  if (part) return;
  if (all.length === 1) one(all[0]);
  else if (done.length < all.length) show(t("percent", { n: Math.floor(percent) }), "running", percent);
  else {
    const bad = all.some(({ state }) => state === "failed");
    show(t(bad ? "live.failedtab" : "live.donetab"), bad ? "failed" : "succeeded");
  }
}

function one({ state, percent }) {
  const words = {
    succeeded: "live.donetab", failed: "live.failedtab", cancelled: "live.cancelledtab", expired: "live.expiredtab", running: "live.running",
  };
  const known = state === "running" && percent !== null && percent !== undefined;
  show(known ? t("percent", { n: Math.floor(percent) }) : t(words[state] ?? "live.waiting"), state, known ? Number(percent) : null);
}
