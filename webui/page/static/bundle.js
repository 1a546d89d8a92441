// Several files that become one thing: their order, the settings, and the hand-over when
// all are uploaded.

import { hand, newKey } from "./card.js";
import { paramsOf } from "./choose.js";
import { holding, target } from "./focus.js";
import { said } from "./said.js";
import { say } from "./tab.js";
import { count, t } from "./text.js";
import { uploadParams } from "./upload.js";

export class Bundle {
  // offer is the template with the recipe's name, title, bounds and settings.
  // hooks: accepted(bundle, job), apart(bundle, cards), removed(card), loose(recipe).
  constructor(offer, cards, hooks) {
    ({ together: this.recipe, title: this.title } = offer.dataset);
    this.min = Number(offer.dataset.min);
    this.max = Number(offer.dataset.max);
    this.cards = [...cards];
    this.hooks = hooks;
    this.element = document.getElementById("bundle-card").content.firstElementChild.cloneNode(true);
    this.part("title").textContent = this.title;
    this.part("fields").append(offer.content.cloneNode(true));
    this.part("settings").hidden = !this.part("fields").children.length;
    this.rows = new Map();
    this.listen();
    this.draw();
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  listen() {
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.wanted = true;
      const back = holding(this.element);
      this.refresh();
      back(target(this.element));
    });
    this.part("apart").addEventListener("click", () => this.hooks.apart(this, this.cards));
    this.part("add").addEventListener("click", () => this.add(this.hooks.loose(this.recipe)));
    const order = this.part("order");
    order.addEventListener("dragstart", (event) => {
      this.dragged = event.target.closest("li");
      event.dataTransfer.effectAllowed = "move";
    });
    order.addEventListener("dragover", (event) => this.dragOver(event));
    order.addEventListener("drop", (event) => this.dragged && event.preventDefault());
    order.addEventListener("dragend", () => {
      this.dragged = null;
      this.cards.sort((a, b) => this.place(a) - this.place(b));
      this.draw();
    });
  }

  place(card) {
    return [...this.part("order").children].indexOf(this.rows.get(card));
  }

  dragOver(event) {
    const over = event.target.closest("li");
    if (!this.dragged || !over) return;
    event.preventDefault();
    if (over === this.dragged) return;
    const { top, height } = over.getBoundingClientRect();
    over[event.clientY < top + height / 2 ? "before" : "after"](this.dragged);
  }

  add(cards) {
    const back = holding(this.part("add"));
    this.cards.push(...cards);
    this.draw();
    this.hooks.taken(cards);
    back(this.part("add"), this.part("convert"), this.part("apart"));
  }

  // draw puts the rows in the order of the cards.
  draw() {
    for (const card of this.cards) if (!this.rows.has(card)) this.rows.set(card, this.row(card));
    this.part("order").replaceChildren(...this.cards.map((card) => this.rows.get(card)));
    this.refresh();
  }

  row(card) {
    const row = document.getElementById("bundle-row").content.firstElementChild.cloneNode(true);
    const { name } = card;
    row.querySelector("[data-name]").textContent = row.querySelector("[data-name]").title = name;
    for (const [part, word, act] of [
      ["up", "bundle.up", () => this.move(card, -1)],
      ["down", "bundle.down", () => this.move(card, 1)],
      ["out", "bundle.out", () => this.out(card)],
    ]) {
      const button = row.querySelector(`[data-${part}]`);
      button.setAttribute("aria-label", t(word, { name }));
      button.addEventListener("click", act);
    }
    return row;
  }

  move(card, by) {
    const from = this.cards.indexOf(card);
    const to = from + by;
    if (to < 0 || to >= this.cards.length) return;
    const focused = document.activeElement;
    this.cards.splice(from, 1);
    this.cards.splice(to, 0, card);
    this.draw();
    focused.focus();
    say(this, t("bundle.moved", { name: card.name, n: to + 1 }));
  }

  out(card) {
    const at = this.cards.indexOf(card);
    const back = holding(this.rows.get(card));
    this.cards = this.cards.filter((one) => one !== card);
    card.remove();
    if (this.cards.length) this.draw();
    else this.hooks.apart(this, []);
    const beside = this.rows.get(this.cards[Math.min(at, this.cards.length - 1)]);
    back(beside?.querySelector("[data-out]"), document.querySelector("[data-files]"));
  }

  // refresh tells how far the uploads are, and hands over when it is wanted and can be.
  refresh() {
    this.part("count").textContent = count("upload.files", this.cards.length);
    for (const card of this.cards) {
      this.rows.get(card).querySelector("[data-percent]").textContent = card.id ? t("upload.done") : t("percent", { n: Math.floor(card.percent ?? 0) });
    }
    const wrong = this.wrong();
    this.part("convert").disabled = Boolean(wrong) || this.wanted || this.submitting;
    const waiting = this.wanted && !this.cards.every((card) => card.id);
    this.part("next").textContent = wrong || (waiting ? t("upload.willstart") : this.submitting ? t("upload.submitting") : "");
    const others = this.hooks.loose(this.recipe).length;
    this.part("add").hidden = !others || this.submitting;
    this.part("add").textContent = count("bundle.add", others);
    if (this.wanted && !wrong && !waiting) this.submit();
  }

  wrong() {
    if (this.cards.some((card) => card.failed)) return t("bundle.broken");
    if (this.cards.length < this.min) return t("bundle.toofew", { n: this.min });
    if (this.cards.length > this.max) return t("bundle.toomany", { n: this.max });
    return "";
  }

  async submit() {
    if (this.submitting) return;
    this.submitting = true;
    this.key ??= newKey();
    this.part("problem").hidden = true;
    const request = { recipe: this.recipe, params: paramsOf(this.part("fields")), inputs: this.cards.map((card) => ({ upload: card.id })) };
    try {
      Object.assign(request.params, await uploadParams(this.part("fields")));
      this.hooks.accepted(this, await hand(request, this.key, () => (this.part("next").textContent = t("live.lost"))));
    } catch (reason) {
      this.wanted = this.submitting = false;
      this.key = null;
      const [message, hint] = await Promise.all([said(reason.message), said(reason.hint)]);
      this.part("problem").hidden = false;
      this.part("message").textContent = message || t("upload.failed");
      this.part("hint").textContent = hint;
      this.refresh();
    }
  }
}
