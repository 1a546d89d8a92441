// What a file should become: asks the server by the file's name and first bytes, shows
// the choices, and remembers the last one for files of this kind.

import { mark } from "./presets.js";
import { t } from "./text.js";

const headBytes = 4096;

// Choosing is the part of a card in which the target and its settings are chosen.
export class Choosing {
  constructor(place, file, changed) {
    this.place = place;
    this.kind = extension(file.name);
    this.changed = changed;
  }

  // ask fills the place with choices; it throws when the server cannot be asked.
  async ask(file, signal) {
    const answer = await fetch(`/choices?name=${encodeURIComponent(file.name)}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: file.slice(0, headBytes),
      signal,
    });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    this.place.replaceChildren(holder.content);
    this.possible = this.radios.length > 0;
    this.listen();
    this.recall();
    this.settle();
    mark(this.place);
  }

  get radios() {
    return [...this.place.querySelectorAll("input[name=choice]")];
  }
  get chosen() {
    return this.radios.find((radio) => radio.checked);
  }
  get settings() {
    return this.place.querySelector(`[data-settings="${CSS.escape(this.chosen?.dataset.recipe ?? "")}"]`);
  }

  listen() {
    this.place.addEventListener("change", (event) => {
      if (event.target.name === "choice") this.tick();
      this.settle();
    });
    this.place.querySelector("[data-search]")?.addEventListener("input", (event) => this.search(event.target.value));
    // Enter in the search must not send the form.
    this.place.querySelector("[data-search]")?.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    for (const list of this.place.querySelectorAll("[data-list]")) this.addAllAndNone(list);
  }

  addAllAndNone(list) {
    const row = document.createElement("p");
    row.className = "checks-all";
    for (const [word, on] of [["choose.all", true], ["choose.none", false]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link";
      button.textContent = t(word);
      button.addEventListener("click", () => {
        for (const box of list.querySelectorAll("input")) box.checked = on;
        this.settle();
      });
      row.append(button);
    }
    list.querySelector("legend").after(row);
  }

  search(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of this.place.querySelectorAll("[data-words]")) {
      one.hidden = !words.every((word) => one.dataset.words.toLowerCase().includes(word));
    }
    for (const section of this.place.querySelectorAll("[data-section]")) {
      section.hidden = !section.querySelector("[data-words]:not([hidden])");
    }
    this.place.querySelector("[data-nomatch]").hidden = Boolean(this.place.querySelector("[data-words]:not([hidden])"));
  }

  // tick makes a choice of one target the only one ticked in the recipe's list.
  tick() {
    const { target } = this.chosen.dataset;
    const boxes = this.settings?.querySelectorAll('[data-list="param.to"] input') ?? [];
    for (const box of boxes) box.checked = target ? box.value === target : box.defaultChecked;
    const select = this.settings?.querySelector('select[name="param.to"]');
    if (select && target) select.value = target;
  }

  // settle shows the settings that belong to the choice and tells the card.
  settle() {
    for (const part of this.place.querySelectorAll("[data-settings]")) part.hidden = part !== this.settings;
    this.changed();
  }

  // ready reports whether a choice is made and its settings can be sent.
  get ready() {
    if (!this.chosen) return false;
    const inputs = [...(this.settings?.querySelectorAll("input, select, textarea") ?? [])];
    return inputs.every((input) => input.checkValidity()) && !this.emptyList;
  }
  get emptyList() {
    const lists = [...(this.settings?.querySelectorAll("[data-list][data-needed]") ?? [])];
    return lists.some((list) => !list.querySelector("input:checked"));
  }

  // reveal opens the settings at what is wrong.
  reveal() {
    const wrong = this.settings?.querySelector(":invalid");
    for (let fold = wrong?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    wrong?.reportValidity?.();
  }

  // request returns recipe and parameters as the API takes them.
  request() {
    return { recipe: this.chosen.dataset.recipe, params: paramsOf(this.settings) };
  }

  // together are the recipes that take this file with others: templates with their settings.
  get together() {
    return [...this.place.querySelectorAll("template[data-together]")];
  }

  // take makes the same choice as another card, if this file offers it.
  take(other) {
    const radio = this.radios.find((one) => one.value === other.chosen?.value);
    if (!radio) return;
    radio.checked = true;
    if (other.settings && this.settings) restore(this.settings, snapshot(other.settings));
    mark(this.place);
    this.settle();
  }

  remember() {
    const memory = { choice: this.chosen.value, settings: this.settings ? snapshot(this.settings) : {} };
    try {
      localStorage.setItem(`convertd-choice ${this.kind}`, JSON.stringify(memory));
    } catch {
      // Without storage nothing is remembered.
    }
  }

  recall() {
    let memory = null;
    try {
      memory = JSON.parse(localStorage.getItem(`convertd-choice ${this.kind}`));
    } catch {
      return;
    }
    const radio = this.radios.find((one) => one.value === memory?.choice);
    if (!radio) return;
    radio.checked = true;
    const more = radio.closest("details");
    if (more) more.open = true;
    if (this.settings) restore(this.settings, memory.settings ?? {});
  }
}

const bare = (name) => name.replace(/^param\./, "");

// paramsOf reads settings as the API takes parameters.
export function paramsOf(settings) {
  const params = {};
  for (const list of settings?.querySelectorAll("[data-list]") ?? []) {
    const on = [...list.querySelectorAll("input:checked")].map((box) => box.value);
    if (on.length) params[bare(list.dataset.list)] = on;
  }
  for (const input of settings?.querySelectorAll("input, select, textarea") ?? []) {
    if (input.closest("[data-list]") || "off" in input.dataset || input.type === "file") continue;
    const value = valueOf(input);
    if (value !== "") params[bare(input.name)] = value;
  }
  return params;
}

function valueOf(input) {
  if (input.type === "checkbox") return input.checked;
  if (input.tagName === "TEXTAREA") return input.value.split("\n").map((line) => line.trim()).filter(Boolean);
  return input.type === "number" && input.value !== "" ? Number(input.value) : input.value;
}

// snapshot and restore keep settings as names with the values that are on. Secrets are
// never kept.
function snapshot(settings) {
  const values = {};
  for (const input of settings.querySelectorAll("input, select, textarea")) {
    if ("off" in input.dataset || ["password", "file"].includes(input.type)) continue;
    const list = (values[input.name] ??= []);
    if (input.type !== "checkbox" || input.checked) list.push(input.value);
  }
  return values;
}

function restore(settings, values) {
  for (const input of settings.querySelectorAll("input, select, textarea")) {
    const kept = values[input.name];
    if (!kept || "off" in input.dataset || input.type === "file") continue;
    if (input.type === "checkbox") input.checked = kept.includes(input.value);
    else if (input.tagName !== "SELECT" || [...input.options].some((option) => option.value === kept[0])) input.value = kept[0] ?? "";
  }
}

function extension(name) {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot).toLowerCase();
}
