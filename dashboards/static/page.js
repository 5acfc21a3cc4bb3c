// The page asks for reports one after another and shows each as it comes: a chart, and the same as a table.
// Every text is set as text, never as HTML: labels come from callers.

import { money, share, milliseconds, number, shown, heading } from "/dashboard/numbers.js";

const EVERY = 10_000;
const $ = (id) => document.getElementById(id);
let busy = false;
let again = false;
let vega;

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (answer.status === 401) location.reload();
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error?.message ?? `status ${answer.status}`);
  return body;
}

function report(name, { by, where, since = period() } = {}) {
  const query = new URLSearchParams();
  if (since) query.set("since", since);
  if (by) query.set("by", by);
  for (const condition of where ?? []) query.append("where", condition);
  return ask(`/dashboard/reports/${name}?${query}`);
}

const period = () => new FormData($("period")).get("since");

// Charts

async function charts() {
  vega ??= new Promise((done) => {
    const script = element("script", { src: "/dashboard/vega.js" });
    script.onload = () => done(window.vegaEmbed);
    script.onerror = () => done(null);
    document.head.append(script);
  });
  return vega;
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => ask(`/dashboard/theme.json?dark=${dark.matches ? 1 : 0}`);
let themed = theme();
dark.addEventListener("change", () => { themed = theme(); refresh(); });

function tip(_handler, event, _item, value) {
  const box = $("tip");
  box.hidden = value === null || value === undefined || value === "";
  if (box.hidden) return;
  const lines = typeof value === "object" ? Object.entries(value) : [["", String(value)]];
  box.replaceChildren(...lines.map(([key, text]) => element("div", {}, element("span", { textContent: key }), element("span", { textContent: String(text) }))));
  const { clientWidth: width, clientHeight: height } = document.documentElement;
  box.style.left = `${Math.max(4, Math.min(event.clientX + 14, width - box.offsetWidth - 8))}px`;
  box.style.top = `${Math.max(4, Math.min(event.clientY + 14, height - box.offsetHeight - 8))}px`;
}

async function draw(place, answer, label) {
  const [embed, config] = await Promise.all([charts(), themed]);
  if (!embed) return false;
  const { chart, chart_rows: rows } = answer;
  const bands = new Set(rows.map((row) => row[chart.encoding?.y?.field])).size;
  const height = chart.height?.step ? chart.height.step * bands + 60 : chart.height;
  const room = { width: place.clientWidth, height, autosize: { type: chart.height?.step ? "fit" : "fit-x", contains: "padding" } };
  const spec = { ...chart, ...(chart.width === "container" ? room : {}), datasets: { table: answer.chart_rows }, description: label };
  const drawn = await embed(place, spec, { ast: true, actions: false, renderer: "svg", defaultStyle: false, logLevel: 1, config: { ...config, background: "transparent" }, tooltip: tip });
  place.finalize?.();
  place.finalize = () => drawn.finalize();
  return true;
}

// What reports there are: some are there only where there is something to report on.
const known = ask("/dashboard/reports").then(({ reports }) => new Set(reports.map(({ name }) => name)));

// Tables

function table(answer, { each } = {}) {
  const kept = answer.columns.filter((column) => answer.rows.some((row) => row[column] !== null));
  const numeric = new Set(kept.filter((column) => column.match(/_(usd|ms|share)$/) || answer.rows.every((row) => row[column] === null || typeof row[column] === "number")));
  const kind = (column) => ({ className: numeric.has(column) ? "number" : "" });
  const head = element("tr", {}, ...kept.map((column) => element("th", { scope: "col", textContent: heading(column), ...kind(column) })));
  const rows = answer.rows.map((row) => element("tr", {}, ...kept.map((column) => {
    const custom = each?.(column, row);
    const text = shown(column, row[column]);
    const className = text.length > 28 && !custom ? "long" : kind(column).className;
    return element("td", { className }, custom ?? text);
  })));
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": answer.title }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
}

const badge = (word) => element("span", { className: `badge ${word}`, textContent: word });

function recent(column, row) {
  if (column === "request_id") return element("button", { type: "button", textContent: row.request_id.slice(0, 12), title: row.request_id, onclick: () => why(row) });
  if (column === "ended") return badge(row.ended);
  if (column === "arm" && row.arm === "control") return badge("control");
  return null;
}

async function fill(place) {
  const { report: name, coarse } = place.dataset;
  const days = ["7d", "30d", ""].includes(period());
  const by = coarse && days ? coarse : place.dataset.by;
  place.hidden = !(await known).has(name);
  if (place.hidden) return;
  const answer = await report(name, { by });
  const title = place.querySelector("h3");
  place.hidden = "optional" in place.dataset && answer.rows.length === 0;
  if (answer.rows.length === 0) {
    place.replaceChildren(title, element("p", { className: "none", textContent: "Nothing in this period." }));
    return;
  }
  const listed = table(answer, name === "recent" ? { each: recent } : {});
  let chart = place.querySelector(".chart");
  if (answer.chart && !("plain" in place.dataset)) {
    const open = place.querySelector("details")?.open ?? false;
    chart ??= element("div", { className: "chart", role: "img" });
    chart.setAttribute("aria-label", `${title.textContent}: ${answer.question}`);
    place.replaceChildren(title, chart, element("details", { open }, element("summary", { textContent: "As a table" }), listed));
    if (await draw(chart, answer, answer.question)) return;
  }
  place.replaceChildren(title, listed);
}

// Tiles

function tile(name, value, note, kind = "") {
  return element("dl", { className: `tile ${kind}` }, element("dt", { textContent: name }), element("dd", { textContent: value }), element("small", { textContent: note }));
}

const interval = (row, name) => row[`${name}_low_share`] === null ? "" : `between ${share(row[`${name}_low_share`])} and ${share(row[`${name}_high_share`])}`;

function tiles({ rows: [row] }) {
  const overhead = ["rejected", "checks", "audits"].map((name) => Number(row[`spend_on_${name}_usd`])).reduce((sum, one) => sum + one, 0);
  const bounded = Number(row.spend_at_most_usd) > Number(row.spend_usd);
  const saved = row.saving_share;
  const mix = row.saving_on_random_mix_share;
  $("tiles").replaceChildren(
    tile("Spent", money(row.spend_usd), bounded ? `at most ${money(row.spend_at_most_usd)}: ${share(row.estimated_share)} of calls estimated` : `of it ${money(overhead)} on rejected answers, checks and audits`),
    tile("Saved, net", saved === null ? "–" : share(saved), saved === null ? "no price to compare with" : `${money(row.saving_usd)} less than ${row.strongest_model} alone, computed; ${interval(row, "saving")}`, saved > 0 ? "good" : "warn"),
    tile("On a random mix", mix === null ? "–" : share(mix), mix === null ? "nothing to compare with" : `same predicted quality; ${interval(row, "saving_on_random_mix")}`, mix > 0 ? "good" : "warn"),
    tile("Requests", number(row.requests), `${number(row.attempts)} attempts; ${share(row.escalated_share)} escalated`),
    tile("Passed their checks", share(row.accepted_share), `${share(row.failed_share)} failed, ${number(row.cancelled)} given up by callers`, row.failed_share > 0.02 ? "warn" : ""),
    tile("First token", milliseconds(row.first_token_p50_ms), `slowest 5 in 100: ${milliseconds(row.first_token_p95_ms)}`),
    tile("Whole answer", milliseconds(row.latency_p50_ms), `slowest 5 in 100: ${milliseconds(row.latency_p95_ms)}`),
    ...(row.unpriced_attempts ? [tile("Unpriced calls", number(row.unpriced_attempts), "their cost is unknown and in no sum", "warn")] : []),
    ...(row.simulated_share ? [tile("Simulated", share(row.simulated_share), "of the calls went to simulated models")] : []),
  );
}

// Why this model

function pairs(entries) {
  const kept = entries.filter(([, value]) => value !== null && value !== "");
  return element("dl", {}, ...kept.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]));
}

async function why(row) {
  const answer = await report("attempts", { where: [`request_id=${row.request_id}`], since: "" });
  $("why-title").textContent = `Why ${row.model}`;
  $("why-body").replaceChildren(...answer.rows.map((attempt) => element("section", { className: "attempt" },
    element("h3", {}, element("span", { textContent: `${attempt.attempt}. ${attempt.model}` }), badge(attempt.status)),
    pairs([
      ["why", attempt.reason], ["what for", attempt.purpose === "answer" ? "" : attempt.purpose], ["provider", attempt.provider], ["error", attempt.error],
      ["verdicts", attempt.verdicts], ["chances of success", attempt.predictions], ["struck out", attempt.struck_out],
      ["tokens", `${number(attempt.input_tokens)} in, ${number(attempt.output_tokens)} out${attempt.cached_tokens ? `, ${number(attempt.cached_tokens)} from a cache` : ""}`],
      ["cost", `${money(attempt.cost_usd)} (${attempt.cost_grade})`], ["time", `${milliseconds(attempt.duration_ms)}${attempt.first_token_ms === null ? "" : `, first token ${milliseconds(attempt.first_token_ms)}`}`],
    ]))), element("p", { className: "none", textContent: row.request_id }));
  $("why").showModal();
}

// Rules

async function rules() {
  const { policies } = await ask("/dashboard/policies");
  $("policies").replaceChildren(...policies.map(({ name, models, strongest, ...rest }) => {
    const told = Object.entries(rest).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0));
    const text = (value) => typeof value === "object" ? JSON.stringify(value).replaceAll('"', "").replaceAll(",", ", ") : String(value);
    return element("article", { className: "policy" }, element("h3", { textContent: name }), pairs([["models", models.join(", ")], ["compared with", strongest], ...told.map(([key, value]) => [key.replaceAll("_", " "), text(value)])]));
  }));
}

async function budgets() {
  const answer = await ask("/dashboard/budgets");
  const place = $("budgets");
  place.hidden = answer.rows.length === 0;
  if (!place.hidden) place.replaceChildren(place.querySelector("h3"), table(answer));
}

// All of it

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    do {
      again = false;
      tiles(await report("overview"));
      await budgets();
      for (const place of document.querySelectorAll("article[data-report]")) {
        await fill(place);
        if (again) break;
      }
    } while (again);
    $("status").className = "";
    $("status").textContent = `As of ${new Date().toLocaleTimeString()}; renewed every ten seconds.`;
  } catch (problem) {
    $("status").className = "trouble";
    $("status").textContent = `The ledger could not be read: ${problem.message}`;
  }
  busy = false;
}

$("period").addEventListener("change", refresh);
let width = innerWidth;
let resized;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(resized);
  resized = setTimeout(refresh, 200);
});
refresh().then(rules).then(() => document.body.setAttribute("data-ready", ""));
setInterval(() => { if (!document.hidden && !$("why").open) refresh(); }, EVERY);
