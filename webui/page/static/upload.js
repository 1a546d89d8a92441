// One file on its way to the server by tus 1.0: created, sent in pieces, and gone on
// with after a cut, a reload, or a closed laptop.

const piece = 8 * 1024 * 1024;
const atOnce = 3;
const headers = { "Tus-Resumable": "1.0.0" };
const waiting = [];
let running = 0;

// Refused is an answer that trying again will not change.
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? "");
    this.hint = problem.hint ?? "";
  }
}

// upload sends the file and returns its upload's id. It tells tell({state, sent, wait,
// rate}) of every change and throws Refused, or the reason of the signal.
export async function upload(file, signal, tell) {
  await turn(tell);
  try {
    signal.throwIfAborted();
    const url = (await known(file, signal, tell)) ?? (await create(file, signal));
    await send(file, url, signal, tell);
    forget(file);
    return url.split("/").pop();
  } finally {
    running--;
    waiting.shift()?.();
  }
}

// uploadParams uploads the files that were chosen among settings and returns them as the API
// takes them.
export async function uploadParams(settings, signal = new AbortController().signal) {
  const params = {};
  for (const input of settings?.querySelectorAll("input[type=file]") ?? []) {
    if (input.files.length) params[input.name.replace(/^param\./, "")] = { upload: await upload(input.files[0], signal, () => {}) };
  }
  return params;
}

// discard ends an upload on the server, as a courtesy: it would lapse by itself.
export async function discard(file) {
  const url = remembered(file)?.url;
  forget(file);
  if (url) await fetch(url, { method: "DELETE", headers }).catch(() => {});
}

async function turn(tell) {
  if (running >= atOnce) {
    tell({ state: "waiting", sent: 0 });
    await new Promise((resolve) => waiting.push(resolve));
  }
  running++;
}

// known asks how much the server has of an upload that was begun earlier.
async function known(file, signal, tell) {
  const url = remembered(file)?.url;
  if (!url) return null;
  const answer = await fetch(url, { method: "HEAD", headers, signal }).catch(() => null);
  if (!answer?.ok || Number(answer.headers.get("Upload-Length")) !== file.size) {
    forget(file);
    return null;
  }
  tell({ state: "resumed", sent: Number(answer.headers.get("Upload-Offset")) });
  return url;
}

async function create(file, signal) {
  const answer = await persist(signal, () => {}, () => fetch("/api/v1/uploads", {
    method: "POST",
    headers: { ...headers, "Upload-Length": file.size, "Upload-Metadata": `filename ${base64(shownName(file))}` },
    signal,
  }));
  const url = new URL(answer.headers.get("Location"), location).pathname;
  remember(file, { url, sent: 0 });
  return url;
}

async function send(file, url, signal, tell) {
  let sent = await offset(url, signal, tell);
  const meter = new Meter(sent);
  while (sent < file.size) {
    const from = sent;
    const grow = (extra) => tell({ state: "uploading", sent: from + extra, ...meter.at(from + extra, file.size) });
    try {
      sent = await patch(url, file.slice(from, from + piece), from, signal, grow);
      remember(file, { url, sent });
    } catch (reason) {
      if (signal.aborted || reason instanceof Refused) throw reason;
      await readable(file);
      sent = await offset(url, signal, tell, from);
      meter.restart(sent);
    }
    grow(sent - from);
  }
}

// offset asks how far the server is, for as long as it takes to get an answer.
async function offset(url, signal, tell, sent = 0) {
  const answer = await persist(signal, (wait) => tell({ state: "cut", sent, wait }),
    () => fetch(url, { method: "HEAD", headers, signal }));
  return Number(answer.headers.get("Upload-Offset"));
}

// readable makes sure that it is the connection that fails and not the file.
async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Refused({ detail: "unreadable" });
  }
}

// patch sends one piece; only XMLHttpRequest tells how much of it has left.
function patch(url, blob, from, signal, grow) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PATCH", url);
    for (const [name, value] of Object.entries({ ...headers, "Upload-Offset": from, "Content-Type": "application/offset+octet-stream" })) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => grow(event.loaded);
    request.onload = () => {
      if (request.status === 204) resolve(Number(request.getResponseHeader("Upload-Offset")));
      else if (final(request.status)) reject(new Refused(parse(request.responseText)));
      else reject(new Error(`status ${request.status}`));
    };
    request.onerror = () => reject(new Error("connection"));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(blob);
  });
}

// persist asks again after 1, 2, 4 … 30 s until there is an answer that counts.
async function persist(signal, waits, ask) {
  for (let wait = 1; ; wait = Math.min(wait * 2, 30)) {
    const answer = await ask().catch((reason) => {
      signal.throwIfAborted();
      return reason instanceof TypeError ? null : Promise.reject(reason);
    });
    if (answer?.ok) return answer;
    if (answer && final(answer.status)) throw new Refused(parse(await answer.text()));
    waits(wait);
    await pause(wait, signal);
  }
}

// final statuses are answers to the request itself: 409 is another offset, 423 and 429
// and the 500s pass.
const final = (status) => status >= 400 && status < 500 && ![408, 409, 423, 425, 429].includes(status);

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      signal.aborted ? reject(signal.reason) : resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    window.addEventListener("online", done);
    signal.addEventListener("abort", done, { once: true });
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

// shownName is the file's own name; one inside a chosen folder keeps no path.
const shownName = (file) => file.name;

// Meter knows the rate of the last seconds and what is left at that rate.
class Meter {
  constructor(sent) {
    this.restart(sent);
  }
  restart(sent) {
    this.marks = [{ time: performance.now(), sent }];
  }
  at(sent, total) {
    const now = performance.now();
    const last = this.marks.at(-1);
    if (now - last.time > 250) this.marks.push({ time: now, sent });
    while (this.marks.length > 2 && now - this.marks[0].time > 8000) this.marks.shift();
    const first = this.marks[0];
    const seconds = (now - first.time) / 1000;
    if (seconds < 1) return {};
    const rate = (sent - first.sent) / seconds;
    return { rate, left: rate > 0 ? (total - sent) / rate : null };
  }
}

// What was begun is remembered under the file's marks, because after a reload the
// browser hands out the file only when it is chosen again.
const prefix = "convertd-upload ";
const keyOf = (file) => `${prefix}${file.name} ${file.size} ${file.lastModified}`;

function remember(file, { url, sent }) {
  try {
    localStorage.setItem(keyOf(file), JSON.stringify({ url, sent, name: file.name, size: file.size, time: Date.now() }));
  } catch {
    // Without storage an upload simply begins anew after a reload.
  }
}

const remembered = (file) => parse(localStorage.getItem(keyOf(file)) ?? "");
const forget = (file) => localStorage.removeItem(keyOf(file));

// unfinished lists the uploads begun within the last day, newest first.
export function unfinished() {
  const found = [];
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(prefix)) continue;
    const { url, name, sent, size, time } = parse(localStorage.getItem(key));
    const drop = () => {
      localStorage.removeItem(key);
      fetch(url, { method: "DELETE", headers }).catch(() => {});
    };
    if (Date.now() - time > 86400000) drop();
    else if (sent > 0) found.push({ name, percent: Math.floor((100 * sent) / size), time, drop });
  }
  return found.sort((a, b) => b.time - a.time);
}
