// Numbers as people read them. Money comes as an exact decimal text and is shortened only here.

const NOTHING = "–";
const unknown = (value) => value === null || value === undefined || value === "";

export function money(text) {
  if (unknown(text)) return NOTHING;
  const amount = Number(text);
  const size = Math.abs(amount);
  const digits = size === 0 || size >= 100 ? 2 : size >= 1 ? 3 : Math.min(12, 2 - Math.floor(Math.log10(size)));
  return `${amount < 0 ? "−" : ""}$${size.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, digits) })}`;
}

export const share = (value) => unknown(value) ? NOTHING : `${(100 * value).toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 0.1 && value !== 0 ? 2 : 1 })} %`;

export const number = (value) => unknown(value) ? NOTHING : value.toLocaleString("en-US", { maximumFractionDigits: 3 });

export function milliseconds(value) {
  if (unknown(value)) return NOTHING;
  return value < 1000 ? `${number(Math.round(value))} ms` : `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
}

export function shown(column, value) {
  if (unknown(value)) return NOTHING;
  if (column.endsWith("_usd")) return money(value);
  if (column.endsWith("_share")) return share(value);
  if (column.endsWith("_ms")) return milliseconds(value);
  if (column === "time") return String(value).slice(0, 19).replace("T", " ");
  return typeof value === "number" ? number(value) : String(value);
}

export const heading = (column) => column.replace(/_(usd|ms)$/, "").replaceAll("_", " ");
