// Cards that follow their jobs: one event stream for all jobs of the page; polling
// where streams do not get through.

import { said } from "./said.js";
import { say, show } from "./tab.js";
import { count, duration, place, t } from "./text.js";
import { localize } from "./times.js";

const ends = ["succeeded", "failed", "cancelled", "expired"];
const perStream = 50;
const patience = 20000;
const jobs = new Map();
const turns = new Map();
let stream = null;
let lastWord = 0;
let poller = 0;

// follow keeps all job cards of the page up to date.
export function follow() {
  for (const card of document.querySelectorAll("[data-job]")) know(card);
  connect();
}

// adopt puts a job's card in place of an element and follows it.
export async function adopt(id, element) {
  const holder = document.createElement("article");
  holder.id = `job-${id}`;
  jobs.delete(element.dataset.job);
  element.replaceWith(holder);
  await renew(id);
  connect();
}

// ended reports whether nothing follows for a job of the page.
export const ended = (id) => ends.includes(jobs.get(id)?.state);

function know(card) {
  const clock = card.querySelector("[data-clock]");
  const before = jobs.get(card.dataset.job);
  jobs.set(card.dataset.job, {
    ...before,
    state: card.dataset.state,
    attempt: before?.attempt ?? 0,
    name: card.dataset.name,
    percent: card.querySelector("[data-bar]")?.getAttribute("value"),
    start: performance.now() - 1000 * Number(clock?.dataset.elapsed ?? 0),
    usual: Number(clock?.dataset.usual ?? 0),
    previews: Number(card.querySelector("[data-previews]")?.dataset.previews ?? 0),
  });
  for (const form of card.querySelectorAll("form[data-act]")) form.addEventListener("submit", act);
}

const live = () => [...jobs].filter(([, job]) => !ends.includes(job.state)).map(([id]) => id);

function connect() {
  stream?.close();
  stream = null;
  clearTimeout(poller);
  const ids = live();
  summarize();
  if (!ids.length) return;
  if (ids.length > perStream || !window.EventSource) {
    poll();
    return;
  }
  lastWord = performance.now();
  stream = new EventSource(`/api/v1/events?${ids.map((id) => `job=${id}`).join("&")}`);
  for (const kind of ["status", "done"]) stream.addEventListener(kind, (event) => hear(JSON.parse(event.data)));
  stream.addEventListener("open", () => lost(false));
  stream.addEventListener("error", () => {
    // The browser tries again by itself unless it was refused.
    if (stream?.readyState === EventSource.CLOSED) poll();
  });
}

// hear takes one status document.
function hear(status) {
  lastWord = performance.now();
  lost(false);
  const job = jobs.get(status.id);
  if (!job || ends.includes(job.state)) return;
  const other = status.state !== job.state || (job.attempt && status.attempt !== job.attempt);
  // A picture of the unfinished result is drawn by the server.
  const pictured = !other && status.previews > job.previews;
  // A status without any word is the row's: what the runner told last says more.
  if (!other && job.percent != null && status.percent === null && !status.step) return;
  Object.assign(job, { attempt: status.attempt, left: status.eta_seconds, percent: status.percent });
  if (status.previews) job.previews = Math.max(job.previews, status.previews);
  if (other) renew(status.id).then(() => live().length || connect());
  else if (pictured) renew(status.id);
  else update(document.getElementById(`job-${status.id}`), job, status);
  summarize();
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
  const html = answer?.ok ? await answer.text() : "";
  if (turns.get(id) !== turn) return;
  if (answer?.status === 404) {
    location.reload();
    return;
  }
  if (!answer?.ok) {
    setTimeout(() => renew(id), 2000);
    return;
  }
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const card = holder.content.firstElementChild;
  localize(card);
  const focused = old.contains(document.activeElement);
  old.replaceWith(card);
  know(card);
  if (focused) (card.querySelector("[data-first]") ?? card.querySelector("a, button"))?.focus();
  const { state, name } = jobs.get(id);
  if (ends.includes(state)) say(name, t("live.said", { name, what: card.querySelector(".state").textContent }));
  summarize();
}

// act sends a card's button without leaving the page.
async function act(event) {
  event.preventDefault();
  const form = event.target;
  form.querySelector("button").disabled = true;
  await fetch(form.action, { method: "POST", redirect: "manual", body: new URLSearchParams(new FormData(form)) }).catch(() => {});
  await renew(form.closest("[data-job]").dataset.job);
  if (!live().length) connect();
}

// poll asks for each live job, slower while the page is hidden.
async function poll() {
  stream?.close();
  stream = null;
  clearTimeout(poller);
  for (const id of live()) {
    const answer = await fetch(`/api/v1/jobs/${id}/status`, { cache: "no-cache" }).catch(() => null);
    if (answer?.ok) hear(await answer.json());
    else if (answer?.status === 404) await renew(id);
    else lost(true);
  }
  if (live().length) poller = setTimeout(poll, document.hidden ? 15000 : 1500);
}

// A stream that says nothing for long, not even that the job still runs, is held back
// by something in between.
setInterval(() => {
  if (stream && performance.now() - lastWord > patience && live().length) {
    if (stream.readyState === EventSource.CONNECTING) lost(true);
    poll();
  }
}, 5000);

document.addEventListener("visibilitychange", () => !document.hidden && live().length && connect());

function lost(on) {
  document.getElementById("lost").hidden = !on;
}

// tick moves the clocks on.
function tick() {
  for (const [id, job] of jobs) {
    if (ends.includes(job.state)) continue;
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

// summarize writes the tab's title and icon for all jobs of the page, and asks for the
// group's head where there is one.
function summarize() {
  const all = [...jobs.values()];
  if (!all.length) return;
  if (all.length === 1) return one(all[0]);
  const done = all.filter(({ state }) => ends.includes(state));
  const percent = all.reduce((sum, job) => sum + (ends.includes(job.state) ? 100 : Number(job.percent ?? 0)), 0) / all.length;
  if (done.length < all.length) show(t("percent", { n: Math.floor(percent) }), "running", percent);
  else {
    const bad = all.some(({ state }) => state === "failed");
    show(t(bad ? "live.failedtab" : "live.donetab"), bad ? "failed" : "succeeded");
  }
  document.dispatchEvent(new CustomEvent("convertd-progress", { detail: { percent, done: done.length, of: all.length } }));
}

function one({ state, percent }) {
  const words = {
    succeeded: "live.donetab", failed: "live.failedtab", cancelled: "live.cancelledtab", expired: "live.expiredtab", running: "live.running",
  };
  const known = state === "running" && percent !== null && percent !== undefined;
  show(known ? t("percent", { n: Math.floor(percent) }) : t(words[state] ?? "live.waiting"), state, known ? Number(percent) : null);
}
