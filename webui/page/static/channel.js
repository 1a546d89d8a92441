// How news of jobs reach the page: one event stream for all of them, and questions where
// streams do not get through or while nobody looks.

// As many jobs as the server takes in one stream by their ids.
const perStream = 50;
// A stream begins with the state of its jobs. What has brought nothing by then is held
// back by something in between.
const firstWord = 5000;
// A stream that was silent for so long is checked by a question.
const silence = 20000;
// So long after it was held back a stream is tried again, while the questions go on; one
// that was refused, as by a proxy while the server starts again, a few seconds later.
const again = 60000;
const refused = 3000;
// Browsers close a stream shortly before the page that they leave.
const leaving = 300;
// A line that is cut is mended in silence for so long.
const mending = 5000;
const beat = 2000;
// A page in the background keeps no connection: browsers have six for a server. A
// question now and then is enough for the percent in the tab's title.
const hushAfter = 5000;
const hushedBeat = 15000;
// In one round so many jobs are asked for: those that come first, and some of the rest
// in turn.
const first = 6;
const inTurn = 2;

export class Channel {
  // group is the group whose jobs are followed, or undefined.
  // ids() lists the jobs that have not ended, those that run first.
  // hear(status) takes a status document and returns whether it was news.
  // gone(id) is told of a job that was deleted, lost(on) of a server that does not
  // answer, woken() of a page that is looked at again.
  constructor({ group, ids, hear, gone, lost, woken }) {
    Object.assign(this, { group, ids, hear, gone, lost, woken });
    this.tags = new Map();
    this.followed = [];
    this.next = 0;
    this.pause = refused;
    this.hushed = document.hidden;
    document.addEventListener("visibilitychange", () => this.look());
    // A page that is left may come back as it was; till then it holds no connection and
    // asks nothing.
    window.addEventListener("pagehide", () => this.leave());
    window.addEventListener("pageshow", (event) => event.persisted && this.come());
  }

  // connect follows the jobs that have not ended by now. Questions go on as they are: they
  // ask for whatever there is, as the stream of a group tells of all its jobs.
  connect() {
    if (this.left) return;
    if (!this.ids().length) {
      this.shut();
      this.rest();
    } else if (this.polling || (this.group && this.stream)) return;
    else if (this.hushed || !window.EventSource) this.poll();
    else this.open();
  }

  // soon does so when the jobs of a moment are all there.
  soon() {
    this.joining ??= setTimeout(() => {
      this.joining = null;
      this.connect();
    }, 100);
  }

  // settle is called when a job has ended: others take the places in a full stream.
  settle() {
    const live = new Set(this.ids());
    const left = this.followed.filter((id) => live.has(id)).length;
    if (!live.size || (left < live.size && left <= perStream / 2)) this.connect();
  }

  look() {
    clearTimeout(this.hush);
    if (document.hidden) this.hush = setTimeout(() => this.turn(true), hushAfter);
    else {
      this.woken();
      if (this.hushed) this.turn(false);
    }
  }

  leave() {
    this.left = true;
    this.shut();
    this.rest();
  }

  come() {
    this.left = false;
    this.turn(document.hidden);
  }

  turn(hushed) {
    this.hushed = hushed;
    this.shut();
    this.rest();
    this.connect();
  }

  open() {
    this.shut();
    this.followed = this.ids().slice(0, perStream);
    const query = this.group ? `group=${this.group}` : this.followed.map((id) => `job=${id}`).join("&");
    const stream = (this.stream = new EventSource(`/api/v1/events?${query}`));
    for (const kind of ["status", "done"]) stream.addEventListener(kind, (event) => this.word(JSON.parse(event.data)));
    stream.addEventListener("open", () => this.expect());
    stream.addEventListener("error", () => {
      clearTimeout(this.expected);
      // The browser tries again by itself unless it was refused.
      if (stream.readyState === EventSource.CLOSED) this.closed ??= setTimeout(() => this.refuse(), leaving);
      else this.away ??= setTimeout(() => this.lost(true), mending);
    });
    this.expect();
  }

  expect() {
    clearTimeout(this.expected);
    this.expected = setTimeout(() => this.distrust(), firstWord);
  }

  word(status) {
    this.calm();
    this.rest();
    this.lost(false);
    this.pause = refused;
    this.silent = setTimeout(() => this.check(), silence);
    this.hear(status);
  }

  // check asks what a silent stream may have kept back.
  async check() {
    const { stream } = this;
    if (!(await this.ask())) this.silent = setTimeout(() => this.check(), silence);
    else if (stream && stream === this.stream) this.distrust();
  }

  // refuse goes on without a stream that was not let through, for longer each time.
  refuse() {
    this.distrust(this.pause);
    this.pause = Math.min(2 * this.pause, again);
  }

  // distrust goes on with questions and tries a stream later.
  distrust(pause = again) {
    this.shut();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.open(), pause);
    if (!this.polling) this.poll();
  }

  shut() {
    this.stream?.close();
    this.stream = null;
    this.calm();
  }

  calm() {
    for (const timer of ["expected", "silent", "away", "closed"]) {
      clearTimeout(this[timer]);
      this[timer] = null;
    }
  }

  // rest ends the questions.
  rest() {
    clearTimeout(this.poller);
    clearTimeout(this.later);
    this.polling = null;
  }

  async poll() {
    const turn = (this.polling = {});
    await this.ask();
    if (turn !== this.polling || !this.ids().length) return;
    this.poller = setTimeout(() => this.poll(), this.hushed ? hushedBeat : beat);
  }

  // ask returns whether there was news.
  async ask() {
    const answers = await Promise.all(this.some().map((id) => this.status(id)));
    this.lost(answers.length > 0 && answers.every((answer) => answer === null));
    return answers.includes(true);
  }

  some() {
    const ids = this.ids();
    const rest = ids.slice(first);
    const more = rest.length > inTurn ? Array.from({ length: inTurn }, () => rest[this.next++ % rest.length]) : rest;
    return [...ids.slice(0, first), ...more];
  }

  // status asks for one job; it returns whether there was news, null without an answer.
  async status(id) {
    const tag = this.tags.get(id);
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(`/api/v1/jobs/${id}/status`, { headers, cache: "no-store" }).catch(() => null);
    if (!answer || answer.status >= 500) return null;
    if (answer.status === 404) this.gone(id);
    if (!answer.ok) return false;
    this.tags.set(id, answer.headers.get("ETag"));
    return this.hear(await answer.json());
  }
}
