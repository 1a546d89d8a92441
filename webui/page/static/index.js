// The page with the drop zone: files arrive by dropping, choosing and pasting, each
// gets its card, and all can be started at once.

import { Bundle } from "./bundle.js";
import { FileCard } from "./card.js";
import { holding, target } from "./focus.js";
import { adopt } from "./live.js";
import { show } from "./tab.js";
import { count, t } from "./text.js";
import "./times.js";
import { unfinished } from "./upload.js";

const drop = document.getElementById("drop");
const list = document.getElementById("cards");
const batch = document.getElementById("batch");
const cards = new Set();
const bundles = new Set();
const files = () => [...cards, ...[...bundles].flatMap((bundle) => bundle.cards)];
let group = null;
let jobs = 0;

if (drop) start();

function start() {
  drop.hidden = false;
  for (const [button, input] of [["files", "pick"], ["folder", "pickfolder"]]) {
    const pick = drop.querySelector(`[data-${input}]`);
    drop.querySelector(`[data-${button}]`).addEventListener("click", () => pick.click());
    pick.addEventListener("change", () => {
      take([...pick.files]);
      pick.value = "";
    });
  }
  listenForDrops();
  document.addEventListener("paste", (event) => take(pasted(event)));
  batch.querySelector("[data-convertall]").addEventListener("click", convertAll);
  window.addEventListener("beforeunload", (event) => {
    if (files().some((card) => !card.failed)) event.preventDefault();
  });
  for (const one of unfinished()) offer(one);
}

// pasted returns files from the clipboard, else its text as one, unless it is meant for a
// field.
function pasted({ target, clipboardData: data }) {
  if (!data || target.closest?.("input, textarea, select")) return [];
  const text = data.files.length ? "" : data.getData("text/plain");
  return text.trim() ? [new File([text], t("upload.pasted"), { type: "text/plain" })] : [...data.files];
}

function listenForDrops() {
  let depth = 0;
  const over = (on) => {
    drop.classList.toggle("over", on);
    drop.querySelector("[data-idle]").hidden = on;
    drop.querySelector("[data-over]").hidden = !on;
  };
  const files = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => files(event) && ++depth && over(true));
  document.addEventListener("dragleave", (event) => files(event) && --depth <= 0 && over(false));
  document.addEventListener("dragover", (event) => files(event) && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (!files(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    take(await dropped(event.dataTransfer));
  });
}

// dropped returns all files, those inside folders too. The entries must be asked for
// before the first wait: afterwards the browser has emptied the list.
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const found = await Promise.all(entries.map(filesOf));
  return found.flat();
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    found.push(...(await Promise.all(some.map(filesOf))).flat());
  }
}

const hooks = {
  changed: refresh,
  removed: (card) => {
    cards.delete(card);
    refresh();
  },
  setAll: (card) => {
    for (const other of cards) if (other !== card && other.choosing.possible) other.choosing.take(card.choosing);
  },
  handOver: (hand) => {
    if (files().length > 1) group ??= new Group();
    return group ? group.join(hand) : hand({});
  },
  accepted,
};

// Group makes the jobs of a batch one group: the first job asks for it, the others wait
// for its name. If the first is refused, the next one asks.
class Group {
  async join(hand) {
    while (this.asking) await this.asking.catch(() => {});
    if (this.id) return hand({ group: this.id });
    this.asking = hand({ group: "new" });
    try {
      const job = await this.asking;
      this.id = job.group;
      return job;
    } finally {
      this.asking = null;
    }
  }
}

function take(files) {
  for (const file of files.filter((one) => !one.name.startsWith("."))) {
    const card = new FileCard(file, Number(drop.dataset.limit), hooks);
    cards.add(card);
    list.append(card.element);
    dismiss(file.name);
  }
  refresh();
}

function refresh() {
  const all = [...cards];
  const ready = all.filter((card) => card.ready && !card.wanted).length;
  batch.hidden = all.length < 2;
  offerTogether();
  for (const bundle of bundles) bundle.refresh();
  batch.querySelector("[data-count]").textContent = count("upload.files", all.length);
  batch.querySelector("[data-chosen]").textContent = count("upload.chosen", ready, { total: all.length });
  const button = batch.querySelector("[data-convertall]");
  button.textContent = count("upload.convertall", ready);
  button.disabled = ready === 0;
  button.hidden = !all.some((card) => card.choosing.possible);
  batch.querySelector("[data-chosen]").hidden = button.hidden;
  for (const card of all) card.part("setall").hidden = all.length < 2 || !card.choosing.chosen;
  const sending = files().filter((card) => !card.failed && !card.id);
  if (!jobs) show(sending.length ? tabWords(sending) : "", "idle");
}

// loose are the cards of their own that a recipe takes together.
const loose = (recipe) =>
  [...cards].filter((card) => !card.failed && !card.wanted && card.choosing.together.some((offer) => offer.dataset.together === recipe));

// offerTogether has a button for each recipe that can take several of the files at once.
function offerTogether() {
  const offers = new Map([...cards].flatMap((card) => card.choosing.together).map((offer) => [offer.dataset.together, offer]));
  const place = batch.querySelector("[data-together]");
  const buttons = [];
  for (const [recipe, offer] of offers) {
    const some = loose(recipe);
    if (some.length < Number(offer.dataset.min)) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = t("bundle.use", { what: offer.dataset.title, n: some.length });
    button.addEventListener("click", () => bundle(offer));
    buttons.push(button);
  }
  place.hidden = !buttons.length;
  const words = (list) => [...list].map((button) => button.textContent).join("|");
  if (words(buttons) !== words(place.children)) place.replaceChildren(...buttons);
}

// bundle puts one card in place of those of the files that are used together.
function bundle(offer) {
  const some = loose(offer.dataset.together);
  const made = new Bundle(offer, some, bundleHooks);
  bundles.add(made);
  some[0].element.before(made.element);
  bundleHooks.taken(some);
  made.part("convert").focus();
}

const bundleHooks = {
  accepted,
  loose,
  taken: (some) => {
    for (const card of some) {
      cards.delete(card);
      card.element.hidden = true;
    }
    refresh();
  },
  apart: (made, some) => {
    bundles.delete(made);
    const back = holding(made.element);
    made.element.remove();
    for (const card of some) {
      card.element.hidden = false;
      cards.add(card);
    }
    refresh();
    back(some[0]?.element.querySelector("[data-remove]"), drop.querySelector("[data-files]"));
  },
};

const tabWords = (sending) =>
  t("percent", { n: Math.floor(sending.reduce((sum, card) => sum + (card.percent ?? 0), 0) / sending.length) });

function convertAll() {
  const back = holding(batch);
  for (const card of cards) if (card.ready && !card.wanted) card.convert();
  back(batch.querySelector("[data-convertall]"), target(list));
}

// accepted puts the job's own card in place of the file's. A single file's job has a
// page, and so has a batch when all of it is handed over: that is where its person wants
// to be.
async function accepted(card, job) {
  cards.delete(card);
  bundles.delete(card);
  if (files().length === 0 && jobs === 0) {
    location.assign(job.links.page);
    return;
  }
  jobs++;
  await adopt(job.id, card.element);
  refresh();
  if (files().length === 0 && job.group) location.assign(`/groups/${job.group}`);
}

function offer({ name, percent, drop: forget }) {
  const place = document.getElementById("unfinished");
  const row = document.getElementById("unfinished-row").content.firstElementChild.cloneNode(true);
  row.dataset.name = name;
  row.querySelector("[data-what]").textContent = t("upload.unfinished", { name, percent: t("percent", { n: percent }) });
  row.querySelector("[data-forget]").addEventListener("click", () => {
    forget();
    const back = holding(row);
    row.remove();
    place.hidden = !place.children.length;
    back(place.querySelector("[data-forget]"), drop.querySelector("[data-files]"));
  });
  place.append(row);
  place.hidden = false;
}

function dismiss(name) {
  const place = document.getElementById("unfinished");
  for (const row of [...place.children]) if (row.dataset.name === name) row.remove();
  place.hidden = !place.children.length;
}
