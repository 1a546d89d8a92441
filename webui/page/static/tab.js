// What is seen and heard while the page is not looked at: the tab's title, its icon,
// and the polite words for screen readers.

const title = document.querySelector("title").dataset.plain;
const icon = document.querySelector("link[rel=icon]");
const said = document.getElementById("said");
const spoken = new Map();

// show puts words before the title, and the icon of a state or percent.
export function show(words, state, percent = null) {
  const wanted = words ? `${words} · ${title}` : title;
  if (document.title !== wanted) document.title = wanted;
  const name = state === "running" && percent !== null ? Math.floor(percent / 5) * 5 : state;
  const href = `/icon/${name}.svg`;
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}

// say speaks politely: words about a percent only when another ten of it are done.
export function say(who, words, percent = null) {
  const ten = percent === null ? words : Math.floor(percent / 10);
  if (spoken.get(who) === ten) return;
  spoken.set(who, ten);
  said.textContent = words;
}
