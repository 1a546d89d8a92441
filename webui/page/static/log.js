// The log of a job: the last lines of it, following as it grows, more of it on demand.
// It is read in windows of bytes, so that a log of any size costs the page the same.

import { holding } from "./focus.js";
import { count, t } from "./text.js";

const windowBytes = 64 << 10;
const mostLines = 3000;
const mostFound = 500;
const beat = 1000;
// After so many beats without growth the window is read again: the end of a log that
// became too long is written anew in place.
const idleBeats = 5;

const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const decoder = new TextDecoder();

export class Log {
  // ended reports whether the job of the log has ended.
  constructor(element, ended) {
    this.element = element;
    this.ended = ended;
    this.lines = this.part("lines");
    this.part("tools").hidden = false;
    this.part("earlier").addEventListener("click", () => this.earlier());
    this.part("later").addEventListener("click", () => this.later());
    this.part("find").addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.find(), 300);
    });
    this.part("follow").addEventListener("change", () => this.following && this.restart());
    this.part("clocks").addEventListener("change", (event) => this.lines.classList.toggle("noclocks", !event.target.checked));
    element.addEventListener("toggle", () => element.open && this.restart());
    this.turnTo(element.dataset.log);
    setInterval(() => this.beat(), beat);
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }
  get following() {
    return this.part("follow").checked;
  }
  get searching() {
    return this.part("find").value.trim();
  }

  // turnTo shows another job's log; "" is none.
  turnTo(address) {
    this.address = address;
    this.element.hidden = !address;
    if (address) this.part("whole").href = address;
    this.part("find").value = "";
    this.restart();
  }

  // restart shows the end of the log.
  async restart() {
    this.clear();
    if (this.searching) return this.find();
    await this.alone(async () => {
      const piece = await this.read(`-${windowBytes}`);
      if (piece) this.showWindow(piece);
    });
  }

  clear() {
    this.from = this.to = this.idle = 0;
    this.last = false;
    this.lines.replaceChildren();
    this.part("found").hidden = true;
    this.mark();
  }

  showWindow(piece) {
    const start = piece.start > 0 ? piece.bytes.indexOf(10) + 1 : 0;
    this.from = this.to = piece.start + start;
    this.append(piece.bytes.subarray(start));
    this.mark(piece.total);
  }

  // alone keeps two readings from mixing their lines.
  async alone(work) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.current = () => turn === this.turn;
    await work();
  }

  // read returns a range of bytes, null where there is none.
  async read(range) {
    if (!this.address || !this.element.open) return null;
    const { current, address } = this;
    const answer = await fetch(address, { headers: { Range: `bytes=${range}` }, cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return null;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (!current() || address !== this.address) return null;
    const [, start, total] = /bytes (\d+)-\d+\/(\d+)/.exec(answer.headers.get("Content-Range") ?? "") ?? [0, 0, bytes.length];
    return { bytes, start: Number(start), total: Number(total) };
  }

  // beat asks for what the log has got, until it is all there after the job's end.
  async beat() {
    if (!this.address || !this.element.open || document.hidden || !this.following || this.searching || this.last) return;
    const over = this.ended();
    if (this.busy) return;
    this.busy = true;
    await this.alone(() => this.grow(over));
    this.busy = false;
  }

  async grow(over) {
    const piece = await this.read(this.to ? `${this.to}-${this.to + windowBytes - 1}` : `-${windowBytes}`);
    if (piece && !this.to) this.showWindow(piece);
    else if (piece?.bytes.length && piece.total - this.to > 4 * windowBytes) await this.leap();
    else if (piece?.bytes.length) this.append(piece.bytes);
    this.idle = piece?.bytes.length ? 0 : this.idle + 1;
    if (over) {
      // The last words may have been written in place, see idleBeats.
      this.last = this.idle > 0 && (await this.leap());
    } else if (this.idle >= idleBeats) {
      this.idle = 0;
      await this.leap();
    }
  }

  // leap goes to the end of the log, past what came faster than it can be read; it
  // returns whether the server answered.
  async leap() {
    const piece = await this.read(`-${windowBytes}`);
    if (!piece) return false;
    this.lines.replaceChildren();
    this.showWindow(piece);
    return true;
  }

  // append adds whole lines at the end and keeps the number of lines bounded.
  append(bytes) {
    // A line that fills the window comes in pieces.
    const end = bytes.lastIndexOf(10) + 1 || (bytes.length === windowBytes ? windowBytes : 0);
    const below = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 40;
    this.lines.append(...lineElements(bytes.subarray(0, end)));
    this.to += end;
    while (this.lines.childElementCount > mostLines) this.from += this.drop(this.lines.firstElementChild);
    if (this.following || below) this.lines.scrollTop = this.lines.scrollHeight;
    this.mark();
  }

  drop(line) {
    line.remove();
    return Number(line.dataset.bytes);
  }

  async earlier() {
    this.part("follow").checked = false;
    await this.alone(async () => {
      const piece = await this.read(`${Math.max(0, this.from - windowBytes)}-${this.from - 1}`);
      if (!piece) return;
      const start = piece.start > 0 ? piece.bytes.indexOf(10) + 1 : 0;
      const before = this.lines.scrollHeight;
      this.lines.prepend(...lineElements(piece.bytes.subarray(start)));
      this.from = piece.start + start;
      this.lines.scrollTop += this.lines.scrollHeight - before;
      while (this.lines.childElementCount > mostLines) this.to -= this.drop(this.lines.lastElementChild);
      this.mark(piece.total);
    });
  }

  async later() {
    await this.alone(async () => {
      const piece = await this.read(`${this.to}-${this.to + windowBytes - 1}`);
      if (!piece) return;
      this.append(piece.bytes);
      this.mark(piece.total);
    });
  }

  // mark shows the ways to what is not on the page.
  mark(total = this.to) {
    const back = holding(this.element);
    this.part("earlier").hidden = !this.from;
    this.part("later").hidden = this.following || total <= this.to;
    back(document.activeElement, this.lines);
  }

  // find shows the lines that have the text, searched by the server in the whole log.
  async find() {
    if (!this.searching) return this.restart();
    await this.alone(async () => {
      const { current } = this;
      const answer = await fetch(`${this.address}?${new URLSearchParams({ q: this.searching, limit: mostFound })}`).catch(() => null);
      const bytes = answer?.ok ? new Uint8Array(await answer.arrayBuffer()) : new Uint8Array();
      if (!current()) return;
      this.clear();
      const found = lineElements(bytes);
      this.lines.append(...found);
      this.part("found").textContent = found.length < mostFound ? count("log.found", found.length) : t("log.foundmore", { n: mostFound });
      this.part("found").hidden = false;
    });
  }
}

// lineElements makes an element of each line "RFC3339 STREAM TEXT".
function lineElements(bytes) {
  const all = [];
  for (let at = 0; at < bytes.length; ) {
    let end = bytes.indexOf(10, at);
    if (end < 0) end = bytes.length - 1;
    all.push(lineElement(decoder.decode(bytes.subarray(at, end + 1)), end + 1 - at));
    at = end + 1;
  }
  return all;
}

function lineElement(text, bytes) {
  const line = document.createElement("div");
  const [, stamp, stream, words] = /^(\S+) (out|err|run) (.*)\n?$/s.exec(text) ?? [0, "", "", text];
  const at = new Date(stamp);
  const time = document.createElement("span");
  time.className = "clock";
  time.textContent = stamp && !isNaN(at) ? `${clock.format(at)}  ` : "";
  line.dataset.bytes = bytes;
  line.className = stream;
  line.append(time, words.trimEnd() || "\u00a0");
  return line;
}
