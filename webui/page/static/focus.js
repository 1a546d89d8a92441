// Where the focus goes when what had it is replaced, switched off or taken away: never
// back to the top of the page.

// holding is called before an element changes. What it returns is called afterwards with
// the places to go to, best first; it does nothing if the focus was elsewhere.
export function holding(element) {
  const had = element.contains(document.activeElement);
  return (...places) => had && places.find((place) => place && !place.disabled && place.getClientRects().length)?.focus();
}

// target makes an element that is no control able to have the focus.
export function target(element) {
  element.tabIndex = -1;
  return element;
}

// again puts the focus of what an element held on the same control of the one that came
// in its place, and opens there what was open.
export function again(old, fresh) {
  for (const fold of old.querySelectorAll("details[open]")) {
    const same = like(fresh, fold.querySelector("summary"));
    if (same) same.parentElement.open = true;
  }
  const focused = document.activeElement;
  if (!old.contains(focused)) return () => {};
  const first = ["[data-first]", "a, button"].map((sel) => fresh.querySelector(sel)).find(Boolean);
  const next = like(fresh, focused) ?? first ?? target(fresh);
  return () => next.focus();
}

function like(root, one) {
  const marks = ({ tagName, textContent, name = "", type = "" }) => [tagName, name, type, textContent].join("|");
  return [...root.querySelectorAll("a, button, summary, select, input")].find((other) => marks(other) === marks(one));
}
