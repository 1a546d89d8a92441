// Presets fill several settings at once. Without this script they are links to the page
// with the settings filled.

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-presets] a");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  fill(link);
});

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    const part = event.target.closest("[data-settings], form");
    if (part) mark(part);
  });
}

for (const form of document.querySelectorAll("form")) mark(form);

function fill(link) {
  const presets = link.closest("[data-presets]");
  const values = JSON.parse(link.dataset.values);
  for (const input of inputsOf(presets)) {
    const wanted = values[input.name];
    if (!wanted) continue;
    if (input.type === "checkbox") input.checked = wanted.includes(input.value);
    else input.value = wanted[0] ?? "";
  }
  presets.dispatchEvent(new Event("change", { bubbles: true }));
}

// mark shows which of the presets stands in the settings beneath the place.
export function mark(place) {
  for (const presets of place.querySelectorAll("[data-presets]")) {
    for (const link of presets.querySelectorAll("a")) {
      if (stands(JSON.parse(link.dataset.values), presets)) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}

function stands(values, presets) {
  return inputsOf(presets).every((input) => {
    const wanted = values[input.name];
    if (!wanted) return true;
    if (input.type === "checkbox") return input.checked === wanted.includes(input.value);
    return same(input, wanted[0] ?? "");
  });
}

function same(input, wanted) {
  if (input.type === "number" && wanted !== "" && input.value !== "") return Number(input.value) === Number(wanted);
  return input.value === wanted;
}

function inputsOf(presets) {
  const inputs = presets.parentElement.querySelectorAll("input, select, textarea");
  return [...inputs].filter((input) => !("off" in input.dataset));
}
