// The words that scripts show: they come from the same catalogue as the pages.

const lang = document.documentElement.lang;
const { default: texts } = await import(`./texts.${lang}.js`);
const cardinal = new Intl.PluralRules(lang);
const ordinal = new Intl.PluralRules(lang, { type: "ordinal" });

// t returns the text of a key with {name}s filled in.
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// count and place return the text for n things, and for the n-th.
export const count = (key, n, values) => form(cardinal, key, n, values);
export const place = (key, n) => form(ordinal, key, n);

function form(rules, key, n, values = {}) {
  const exact = `${key}.${rules.select(n)}`;
  return t(exact in texts ? exact : `${key}.other`, { n, ...values });
}

// size returns bytes in words, in powers of 1000.
export function size(bytes) {
  const units = ["size.b", "size.kb", "size.mb", "size.gb", "size.tb"];
  let unit = 0;
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1000;
    unit++;
  }
  return t(units[unit], { n: decimal(bytes, unit > 0 && bytes < 9.95 ? 1 : 0) });
}

// duration returns seconds in at most two units. Below ten seconds tenths are shown
// only for what is over: a clock that runs shows whole seconds.
export function duration(seconds, running = false) {
  if (seconds < 9.95 && !running) {
    return seconds < 0.1 ? t("time.instant") : t("time.s", { n: decimal(seconds, 1) });
  }
  const whole = Math.round(seconds);
  if (whole < 60) return t("time.s", { n: whole });
  if (whole < 3600) return pair(whole, "time.min", "time.s");
  if (whole < 2 * 86400) return pair(Math.floor(whole / 60), "time.h", "time.min");
  return count("time.days", Math.floor(whole / 86400));
}

function pair(n, big, small) {
  const rest = n % 60;
  const text = t(big, { n: Math.floor(n / 60) });
  return rest ? `${text}\u00a0${t(small, { n: rest })}` : text;
}

function decimal(x, digits) {
  return String(Number(x.toFixed(digits))).replace(".", texts["number.decimal"]);
}
