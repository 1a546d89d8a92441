// What the server says in English, such as why it refused something, in the reader's
// language: the same phrasebook as on the server, fetched when it is needed first.

const lang = document.documentElement.lang;
let book = null;

// said returns the text in the reader's language: the whole of it or sentence by
// sentence. What the phrasebook does not have stays as it is.
export async function said(text) {
  if (!text) return "";
  book ??= load();
  const { exact, patterns } = await book;
  const say = (part) => exact[part] ?? matched(patterns, part, say);
  const parts = text.split(/(?<=\.) /).map(say);
  return say(text) ?? (parts.includes(undefined) ? text : parts.join(" "));
}

async function load() {
  try {
    const { default: exact } = await import(`./said.${lang}.js`);
    const patterns = Object.entries(exact).filter(([english]) => /\{#?\d\}/.test(english)).map(pattern);
    return { exact, patterns: patterns.sort((a, b) => b.sure - a.sure) };
  } catch {
    book = null; // the next text asks again
    return { exact: {}, patterns: [] };
  }
}

function pattern([english, words]) {
  const places = [...english.matchAll(/\{(#?)(\d)\}/g)];
  const own = english.split(/\{#?\d\}/);
  const quoted = own.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const groups = places.map(([, number]) => (number ? "(\\d+)" : "(.*?)"));
  return {
    expression: new RegExp(`^${quoted.map((part, i) => part + (groups[i] ?? "")).join("")}$`, "s"),
    order: places.map(([, , number]) => number),
    sure: own.join("").length,
    words,
  };
}

// matched fills in what stands in the text, which may be phrases themselves.
function matched(patterns, text, say) {
  for (const { expression, order, words } of patterns) {
    const found = expression.exec(text);
    if (found) return words.replace(/\{(\d)\}/g, (_, number) => {
      const value = found[order.indexOf(number) + 1];
      return say(value) ?? value;
    });
  }
  return undefined;
}
