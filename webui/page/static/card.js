// The card of one file before it is a job: it is uploaded while its target is chosen;
// when both are done and Convert was pressed, it is handed over.

import { Choosing } from "./choose.js";
import { holding, target } from "./focus.js";
import { said } from "./said.js";
import { say } from "./tab.js";
import { duration, size, t } from "./text.js";
import { Refused, discard, upload, uploadParams } from "./upload.js";

export class FileCard {
  // hooks: changed(card), handOver(hand), accepted(card, job), removed(card), setAll(card).
  constructor(file, limit, hooks) {
    this.file = file;
    this.hooks = hooks;
    this.stop = new AbortController();
    this.element = document.getElementById("file-card").content.firstElementChild.cloneNode(true);
    this.name = file.name;
    this.part("name").textContent = file.name;
    this.part("name").title = file.name;
    this.part("size").textContent = size(file.size);
    this.bar = this.part("upload");
    this.bar.setAttribute("aria-label", `${t("upload.uploading")}: ${file.name}`);
    this.choosing = new Choosing(this.part("choose"), file, () => this.refresh());
    this.listen();
    const wrong = unfit(file, limit);
    if (wrong) this.fail(wrong);
    else this.begin();
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  listen() {
    this.part("remove").addEventListener("click", () => this.remove());
    this.part("setall").addEventListener("click", () => this.hooks.setAll(this));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.convert();
    });
  }

  begin() {
    this.part("problem").hidden = true;
    this.failed = false;
    this.refresh();
    this.ask();
    this.send();
  }

  async ask() {
    if (this.choosing.radios.length) return;
    try {
      await this.choosing.ask(this.file, this.stop.signal);
      if (!this.choosing.possible && !this.choosing.together.length) this.remove({ keepCard: true });
    } catch (reason) {
      if (!this.stop.signal.aborted) setTimeout(() => this.ask(), 3000);
    }
  }

  async send() {
    try {
      this.id = await upload(this.file, this.stop.signal, (news) => this.tell(news));
      this.bar.value = 100;
      this.bar.classList.add("sent");
      this.percentWords(t("upload.done"));
      say(this.name, t("live.said", { name: this.name, what: t("upload.done") }));
      this.refresh();
      if (this.wanted) this.submit();
    } catch (reason) {
      if (this.stop.signal.aborted) return;
      this.fail(reason instanceof Refused ? reason : { message: String(reason) });
    }
  }

  tell(news) {
    const percent = this.file.size ? (100 * news.sent) / this.file.size : 0;
    this.bar.value = percent;
    this.bar.setAttribute("aria-valuetext", t("upload.valuetext", { name: this.name, percent: Math.floor(percent) }));
    this.percentWords(t("percent", { n: Math.floor(percent) }));
    this.part("words").textContent = this.words(news, percent);
    say(this.name, t("upload.valuetext", { name: this.name, percent: Math.floor(percent) }), percent);
    this.percent = percent;
    this.hooks.changed(this);
  }

  words({ state, sent, wait, rate, left }, percent) {
    const part = t("percent", { n: Math.floor(percent) });
    if (state === "waiting") return t("upload.waiting");
    if (state === "resumed") return t("upload.resumed", { percent: part });
    if (state === "cut") {
      return navigator.onLine ? t("upload.cut", { percent: part, seconds: duration(wait, true) }) : t("upload.offline");
    }
    const words = [`${t("upload.uploading")}: ${t("upload.of", { done: size(sent), total: size(this.file.size) })}`];
    if (rate) words.push(t("upload.rate", { rate: size(rate) }));
    if (left > 1) words.push(t("upload.left", { left: duration(left, true) }));
    return words.join(" · ");
  }

  percentWords(words) {
    this.part("percent").textContent = words;
  }

  // ready reports whether Convert can be pressed.
  get ready() {
    return !this.failed && !this.submitting && this.choosing.ready;
  }

  refresh() {
    const go = this.part("go");
    go.hidden = this.failed || !this.choosing.possible;
    this.part("convert").disabled = !this.ready || this.wanted;
    if (this.id) this.part("words").textContent = this.idleWords();
    this.part("next").textContent = this.wanted && !this.id ? t("upload.willstart") : "";
    this.hooks.changed(this);
  }

  idleWords() {
    if (this.submitting) return t("upload.submitting");
    if (!this.choosing.possible) return t("upload.done");
    return this.choosing.chosen ? t("upload.ready") : t("upload.choose");
  }

  // convert hands the file over, now or as soon as it is uploaded.
  convert() {
    if (!this.choosing.ready) {
      this.choosing.reveal();
      return;
    }
    this.wanted = true;
    this.choosing.remember();
    const back = holding(this.element);
    this.refresh();
    back(target(this.element));
    if (this.id) this.submit();
  }

  async submit() {
    if (this.submitting) return;
    this.submitting = true;
    this.key ??= newKey();
    this.refresh();
    try {
      const job = await this.hooks.handOver((extra) => this.hand(extra));
      this.hooks.accepted(this, job);
    } catch (reason) {
      this.wanted = this.submitting = false;
      this.key = null;
      this.problem(reason);
      this.refresh();
    }
  }

  async hand(extra) {
    const request = { ...this.choosing.request(), inputs: [{ upload: this.id }], ...extra };
    Object.assign(request.params, await uploadParams(this.choosing.settings, this.stop.signal));
    return hand(request, this.key, () => (this.part("next").textContent = t("live.lost")));
  }

  fail(reason) {
    this.failed = true;
    this.percentWords(t("upload.stopped"));
    this.part("percent").classList.add("bad");
    this.part("words").textContent = "";
    this.problem(reason);
    this.refresh();
  }

  async problem(reason) {
    const known = reason.message === "unreadable" ? t("upload.unreadable") : await said(reason.message);
    const hint = await said(reason.hint);
    this.part("problem").hidden = false;
    this.part("message").textContent = known || t("upload.failed");
    this.part("hint").textContent = hint;
  }

  remove({ keepCard = false } = {}) {
    this.stop.abort();
    discard(this.file);
    this.failed = true;
    if (keepCard) {
      this.percentWords(t("upload.stopped"));
      this.part("words").textContent = "";
    } else {
      const { nextElementSibling: next, previousElementSibling: before } = this.element;
      const back = holding(this.element);
      this.element.remove();
      this.hooks.removed(this);
      back(...[next, before].map((one) => one?.querySelector("[data-remove], a, button")), document.querySelector("[data-files]"));
    }
    this.refresh();
  }
}

// newKey makes the key by which the server knows a request again.
export const newKey = () => crypto.getRandomValues(new Uint32Array(6)).join("-");

// hand submits a job and tries until there is an answer: the key makes a second time
// harmless. lost is called each time that the server did not answer.
export async function hand(request, key, lost) {
  const body = JSON.stringify(request);
  for (let wait = 1; ; wait = Math.min(wait * 2, 30)) {
    const answer = await fetch("/api/v1/jobs", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": `"${key}"` },
      body,
    }).catch(() => null);
    if (answer?.ok) return answer.json();
    if (answer && answer.status < 500) throw new Refused(await answer.json().catch(() => ({})));
    lost();
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

function unfit(file, limit) {
  if (file.size === 0) return { message: t("upload.empty") };
  if (limit && file.size > limit) return { message: t("upload.toolarge", { size: size(file.size), limit: size(limit) }) };
  return null;
}
