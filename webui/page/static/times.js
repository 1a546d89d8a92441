// Times in the viewer's own zone and manner: the server writes UTC.

import { t } from "./text.js";

const lang = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "long" });

// localize rewrites every <time> below the element.
export function localize(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.textContent = inWords(at);
    time.title = full.format(at);
  }
}

function inWords(at) {
  const days = Math.round((midnight(at) - midnight(new Date())) / 86400000);
  const near = { "-1": "time.yesterday", 0: "time.today", 1: "time.tomorrow" }[days];
  if (near) return t(near, { clock: clock.format(at) });
  const date = at.getFullYear() === new Date().getFullYear() ? day : year;
  return `${date.format(at)} ${clock.format(at)}`;
}

function midnight(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

localize();
