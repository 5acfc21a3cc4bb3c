// The openai-node suite: node openai_node.mjs FOLDER BASE KEY UPSTREAM_KEY FAKE
// FOLDER has the node_modules to be tested. A check's name is a sentence; every one is reported as a line of TAP.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, base, key, upstreamKey, fake] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const OpenAI = require("openai").default;
OpenAI.toFile = require("openai").toFile;
const { zodResponseFormat, zodFunction } = require("openai/helpers/zod");
const { z } = require("zod");

const client = (options = {}) =>
  new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0, timeout: 20000, ...options });
const asking = (words, options = {}) => ({ model: "small", messages: [{ role: "user", content: words }], ...options });
const ask = (options = {}, words = "Hello there") => client().chat.completions.create(asking(words, options));
const raw = async (options = {}, request = {}) =>
  client().chat.completions.create(asking("Hello there", options), request).withResponse();
const received = async (model, state) =>
  (await fetch(`${fake}/_requests?model=${model}${state ? `&state=${state}&within=2` : ""}`)).json();
const script = (model, ...scripts) =>
  fetch(`${fake}/_script`, { method: "POST", body: JSON.stringify({ model, scripts }), headers: { "content-type": "application/json" } });
const post = (body) =>
  fetch(`${base}/v1/chat/completions`, { method: "POST", body: JSON.stringify(body), headers: { authorization: `Bearer ${key}` } });
const chunksOf = async (options = {}, words = "Hello there") => {
  const chunks = [];
  for await (const chunk of await ask({ stream: true, ...options }, words)) chunks.push(chunk);
  return chunks;
};
const textOf = (chunks) => chunks.flatMap((c) => c.choices).map((c) => c.delta.content ?? "").join("");
const failure = async (promise, kind) => {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
    return error;
  }
  throw new assert.AssertionError({ message: `no ${kind.name}` });
};
const tool = (name, properties) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties, required: Object.keys(properties) } },
});
const line = (n, fields = {}) =>
  JSON.stringify({ custom_id: `q${n}`, method: "POST", url: "/v1/chat/completions", body: { model: "simulated", messages: [{ role: "user", content: `What is ${n}?` }] }, ...fields });
const uploaded = async (content, options = {}) =>
  client().files.create({ file: await OpenAI.toFile(Buffer.from(content), "in.jsonl"), purpose: "batch", ...options });
const created = async (content, options = {}) =>
  client().batches.create({ input_file_id: (await uploaded(content)).id, endpoint: "/v1/chat/completions", completion_window: "24h", ...options });
const ended = async (batch) => {
  while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    batch = await client().batches.retrieve(batch.id);
  }
  return batch;
};
const weather = tool("weather", { city: { type: "string" }, days: { type: "integer" } });
const clock = tool("clock", { zone: { type: "string" } });
const tools = [weather, clock];
const Sample = { city: "text", days: 7 };
const City = z.object({ name: z.string(), people: z.number().int(), tags: z.array(z.string()) });

const checks = {
  async "models are listed"() {
    const names = new Set();
    for await (const model of client().models.list()) names.add(model.id);
    for (const name of ["auto", "auto:failover", "small", "large", "simulated"]) assert.ok(names.has(name), name);
  },
  async "a model says its price"() {
    const model = await client().models.retrieve("small");
    assert.equal(Number(model.pricing.prompt).toFixed(12), "0.000000050000");
  },
  async "a model that is not there is not found"() {
    const error = await failure(client().models.retrieve("nope"), OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
  },
  async "a plain answer has the usual shape"() {
    const answer = await ask();
    assert.match(answer.id, /^chatcmpl-/);
    assert.deepEqual([answer.object, answer.model], ["chat.completion", "small"]);
    const [choice] = answer.choices;
    assert.deepEqual([choice.index, choice.finish_reason, choice.message.role], [0, "stop", "assistant"]);
    assert.equal(choice.message.content, "small answers: Hello there");
    assert.equal(answer.usage.completion_tokens, 4);
  },
  async "answers come side by side"() {
    const answers = await Promise.all([...Array(8).keys()].map((i) => ask({}, `Number ${i}`)));
    assert.deepEqual(answers.map((a) => a.choices[0].message.content), [...Array(8).keys()].map((i) => `small answers: Number ${i}`));
  },
  async "every role reaches the upstream untouched"() {
    const messages = [
      { role: "developer", content: "Be brief." },
      { role: "user", name: "ada", content: "Look." },
      { role: "assistant", content: null, tool_calls: [{ id: "c1", type: "function", function: { name: "look", arguments: "{}" } }] },
      { role: "tool", tool_call_id: "c1", content: "Seen." },
    ];
    await client().chat.completions.create({ model: "small", messages });
    assert.deepEqual((await received("small"))[0].body.messages, messages);
  },
  async "content parts with an image reach the upstream"() {
    const content = [{ type: "text", text: "What?" }, { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }];
    await client().chat.completions.create({ model: "auto", messages: [{ role: "user", content }] });
    assert.deepEqual((await received("small"))[0].body.messages[0].content, content);
  },
  async "two choices are two choices"() {
    assert.deepEqual((await ask({ n: 2 })).choices.map((c) => c.index), [0, 1]);
  },
  async "logprobs are handed on"() {
    const [choice] = (await ask({ logprobs: true, top_logprobs: 3 })).choices;
    assert.equal(choice.logprobs.content.map((t) => t.token).join(""), choice.message.content);
  },
  async "a stop word stops"() {
    assert.equal((await ask({ stop: ["there"] })).choices[0].message.content, "small answers: Hello ");
  },
  async "a token limit comes back as a finish reason"() {
    assert.equal((await ask({ max_completion_tokens: 2 })).choices[0].finish_reason, "length");
  },
  async "fields nobody knows reach the upstream"() {
    const extra = { top_k: 20, chat_template_kwargs: { enable_thinking: false }, verbosity: "low", reasoning_effort: "low" };
    await ask(extra);
    const { body } = (await received("small"))[0];
    for (const [name, value] of Object.entries(extra)) assert.deepEqual(body[name], value, name);
  },
  async "fields nobody knows come back"() {
    const answer = await ask({ model: "extras" });
    assert.equal(answer.choices[0].message.reasoning_content, "Let me think about it.");
    assert.equal(answer.system_fingerprint, "fp_fake");
  },
  async "a body of a megabyte passes"() {
    await ask({}, "All the world's a stage. ".repeat(42000));
    assert.equal((await received("small"))[0].body.messages[0].content.length, 25 * 42000);
  },
  async "every script of the world survives"() {
    const words = 'Grüße, 世界, 🦊, "quoted", back\\slash, \u2028.';
    assert.equal((await ask({}, words)).choices[0].message.content, `small answers: ${words}`);
  },
  async "any JSON object can be asked for"() {
    const answer = await ask({ response_format: { type: "json_object" } });
    assert.deepEqual(JSON.parse(answer.choices[0].message.content), { answer: "Hello there" });
  },
  async "a zod form is parsed"() {
    const body = asking("Hello", { model: "auto", response_format: zodResponseFormat(City, "city") });
    const answer = await client().chat.completions.parse(body);
    assert.deepEqual(answer.choices[0].message.parsed, { name: "text", people: 7, tags: ["text"] });
  },
  async "an answer outside its schema goes to the next model"() {
    await script("small", { text: '{"name": 3}' });
    const body = asking("Hello", { model: "auto", response_format: zodResponseFormat(City, "city") });
    const answer = await client().chat.completions.parse(body);
    assert.deepEqual([answer.model, answer.choices[0].message.parsed.people], ["large", 7]);
  },
  async "a base URL may end in a slash or do without v1"() {
    for (const baseURL of [`${base}/v1/`, base])
      assert.ok((await client({ baseURL }).chat.completions.create(asking("Hello"))).choices[0].message.content, baseURL);
  },
  async "an extra query string does no harm"() {
    assert.ok((await client().chat.completions.create(asking("Hello"), { query: { beta: "true" } })).id);
  },
  async "left to choose, a model may call"() {
    const [choice] = (await ask({ model: "auto", tools }, "The weather?")).choices;
    assert.deepEqual([choice.finish_reason, choice.message.content], ["tool_calls", null]);
    assert.deepEqual(JSON.parse(choice.message.tool_calls[0].function.arguments), Sample);
  },
  async "a call can be required, named and forbidden"() {
    const calls = async (tool_choice) =>
      ((await ask({ model: "auto", tools, tool_choice })).choices[0].message.tool_calls ?? []).map((c) => c.function.name);
    assert.deepEqual(await calls("required"), ["weather"]);
    assert.deepEqual(await calls({ type: "function", function: { name: "clock" } }), ["clock"]);
    assert.deepEqual(await calls("none"), []);
  },
  async "several calls come at once, or one after another"() {
    const several = await ask({ model: "auto", tools }, "weather and clock");
    assert.deepEqual(several.choices[0].message.tool_calls.map((c) => c.id), ["call_0", "call_1"]);
    const one = await ask({ model: "auto", tools, parallel_tool_calls: false }, "weather and clock");
    assert.equal(one.choices[0].message.tool_calls.length, 1);
  },
  async "the tool runner goes all the way"() {
    const look = zodFunction({ name: "weather", parameters: z.object({ city: z.string(), days: z.number().int() }), function: () => "It is sunny." });
    const runner = client().chat.completions.runTools(asking("The weather?", { model: "auto", tools: [look] }));
    assert.equal(await runner.finalContent(), "small answers: It is sunny.");
  },
  async "a streamed call comes in fragments that join"() {
    const calls = (await chunksOf({ model: "auto", tools, tool_choice: "required" })).flatMap((c) => c.choices).flatMap((c) => c.delta.tool_calls ?? []);
    assert.deepEqual([calls[0].id, calls[0].function.name], ["call_0", "weather"]);
    assert.deepEqual(JSON.parse(calls.map((c) => c.function.arguments ?? "").join("")), Sample);
  },
  async "a streamed call with bad arguments is never seen"() {
    await script("small", { tool_calls: [["weather", '{"city": "Be']] });
    const chunks = await chunksOf({ model: "auto", tools }, "The weather?");
    const calls = chunks.flatMap((c) => c.choices).flatMap((c) => c.delta.tool_calls ?? []);
    assert.deepEqual(JSON.parse(calls.map((c) => c.function.arguments ?? "").join("")), Sample);
  },
  async "the stream helper puts calls together"() {
    const runner = client().chat.completions.stream(asking("Hello", { model: "auto", tools: [weather], tool_choice: "required" }));
    const final = await runner.finalChatCompletion();
    assert.deepEqual(JSON.parse(final.choices[0].message.tool_calls[0].function.arguments), Sample);
  },
  async "the stream helper puts an answer together"() {
    let heard = "";
    const runner = client().chat.completions.stream(asking("Hello there", { model: "auto" })).on("content", (text) => (heard += text));
    assert.equal(await runner.finalContent(), "small answers: Hello there");
    assert.equal(heard, "small answers: Hello there");
  },
  async "a stream begins with the role, has one id and finishes once, at its end"() {
    const chunks = await chunksOf();
    const choices = chunks.flatMap((c) => c.choices);
    assert.equal(choices[0].delta.role, "assistant");
    assert.equal(choices.slice(1).filter((c) => c.delta.role).length, 0);
    assert.equal(new Set(chunks.map((c) => `${c.id} ${c.model} ${c.created}`)).size, 1);
    assert.deepEqual(choices.map((c) => c.finish_reason), [...Array(choices.length - 1).fill(null), "stop"]);
    assert.equal(textOf(chunks), "small answers: Hello there");
  },
  async "usage comes last if asked for"() {
    const chunks = await chunksOf({ stream_options: { include_usage: true } });
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.completion_tokens, 4);
    assert.equal(chunks.slice(0, -1).filter((c) => c.usage).length, 0);
  },
  async "usage nobody asked for is not there"() {
    assert.equal((await chunksOf()).filter((c) => c.usage || !c.choices.length).length, 0);
  },
  async "the last chunk says what it cost"() {
    const { farthing, usage } = (await chunksOf({ model: "auto", stream_options: { include_usage: true } })).at(-1);
    assert.equal(Math.round(Number(farthing.cost_usd) * 1e12), usage.prompt_tokens * 50000 + usage.completion_tokens * 200000);
  },
  async "on the wire a stream is data and done"() {
    const events = (await (await post(asking("Hello", { stream: true }))).text()).split("\n\n").filter(Boolean);
    assert.ok(events.every((event) => event.startsWith("data: ")));
    assert.equal(events.at(-1), "data: [DONE]");
  },
  async "two streamed choices are kept apart"() {
    const texts = ["", ""];
    for (const chunk of await chunksOf({ n: 2 })) for (const c of chunk.choices) texts[c.index] += c.delta.content ?? "";
    assert.deepEqual(texts, ["small answers: Hello there", "small answers: Hello there (choice 1)"]);
  },
  async "a slow model is waited for"() {
    assert.equal(textOf(await chunksOf({ model: "slow" })), "fake-slow answers: Hello there");
  },
  async "a stream of twenty thousand events arrives whole"() {
    assert.equal(textOf(await chunksOf({ model: "flood" })).length, 10 * 20000 + "fault-stream-flood answers: Hello".length);
  },
  async "an error in the middle of a stream is raised"() {
    const error = await failure(chunksOf({ model: "dying" }), OpenAI.APIError);
    assert.ok(!`${error.message} ${JSON.stringify(error.error)}`.includes(upstreamKey));
  },
  async "a client that aborts ends the generation within two seconds"() {
    const request = { headers: { "x-request-id": "left-in-mid-stream" } };
    const stream = await client().chat.completions.create(asking("Hello", { model: "paced", stream: true }), request);
    for await (const _ of stream) break;
    stream.controller.abort();
    assert.ok((await received("fake-paced", "disconnected")).length);
  },
  async "a client that gives up on a plain answer ends it"() {
    await failure(client({ timeout: 700 }).chat.completions.create(asking("Hello", { model: "hanging" })), OpenAI.APIConnectionTimeoutError);
    assert.ok((await received("fault-hang", "disconnected")).length);
  },
  async "a wrong key is an authentication error"() {
    const error = await failure(client({ apiKey: "fk-wrong" }).models.list(), OpenAI.AuthenticationError);
    assert.equal(error.code, "invalid_api_key");
  },
  async "without a key there is no answer"() {
    const answer = await fetch(`${base}/v1/models`);
    assert.equal(answer.status, 401);
  },
  async "an unknown model is not found, streamed or not"() {
    for (const stream of [true, false])
      assert.equal((await failure(ask({ model: "nope", stream }), OpenAI.NotFoundError)).code, "model_not_found");
  },
  async "bad bodies are bad requests"() {
    for (const body of [{ messages: [] }, { model: "small" }, [], "x", asking("x", { n: 0 }), asking("x", { tools: {} })]) {
      const answer = await post(body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.equal((await answer.json()).error.type, "invalid_request_error");
    }
    await failure(client().chat.completions.create({ model: "small", messages: [] }), OpenAI.BadRequestError);
  },
  async "a rate limit upstream is a final rate limit here"() {
    const error = await failure(client({ maxRetries: 2 }).chat.completions.create(asking("Hello", { model: "limited" })), OpenAI.RateLimitError);
    assert.deepEqual([error.headers.get("retry-after"), error.headers.get("x-should-retry")], ["2", "false"]);
    assert.equal((await received("fault-429")).length, 1);
  },
  async "what an upstream calls a bad request is the caller's"() {
    assert.match((await failure(ask({ model: "picky" }), OpenAI.BadRequestError)).message, /temperature must be at most 2/);
  },
  async "the upstream's refusal of our key is not the caller's"() {
    const error = await failure(ask({ model: "denied" }), OpenAI.InternalServerError);
    assert.equal(error.status, 502);
    assert.ok(!`${error.message} ${JSON.stringify(error.error)}`.includes(upstreamKey));
  },
  async "an upstream that breaks is a bad gateway and final"() {
    const error = await failure(client({ maxRetries: 2 }).chat.completions.create(asking("Hello", { model: "broken" })), OpenAI.InternalServerError);
    assert.deepEqual([error.status, error.headers.get("x-should-retry")], [502, "false"]);
  },
  async "a connection stays good after errors"() {
    const one = client();
    for (const model of ["nope", "limited", "broken", "picky"]) {
      await failure(one.chat.completions.create(asking("Hello", { model })), OpenAI.APIError);
      assert.ok((await one.chat.completions.create(asking("Hello"))).id, model);
    }
  },
  async "a request id is echoed, or made"() {
    const given = await raw({}, { headers: { "x-request-id": "my-id" } });
    assert.deepEqual([given.request_id, given.data._request_id], ["my-id", "my-id"]);
    assert.ok((await raw()).request_id.length >= 16);
  },
  async "auto takes the cheap model and says so"() {
    const { response, data } = await raw({ model: "auto" });
    assert.deepEqual(["model", "asked", "attempts"].map((h) => response.headers.get(`x-farthing-${h}`)), ["small", "auto", "1"]);
    const cost = data.usage.prompt_tokens * 50000 + data.usage.completion_tokens * 200000;
    assert.equal(Math.round(Number(response.headers.get("x-farthing-cost-usd")) * 1e12), cost);
  },
  async "a model by its name is that model"() {
    assert.equal((await ask({ model: "large" })).model, "large");
    assert.equal((await received("small")).length, 0);
  },
  async "a model that is down, breaks or is limited is passed over"() {
    for (const policy of ["failover", "failover-broken", "failover-limited"]) {
      assert.equal((await ask({ model: `auto:${policy}` })).model, "large", policy);
      assert.equal(textOf(await chunksOf({ model: `auto:${policy}` })), "large answers: Hello there", policy);
    }
  },
  async "an empty answer or a refusal goes to the next model and is never seen"() {
    for (const policy of ["escalate-empty", "escalate-refusal"]) {
      const { response, data } = await raw({ model: `auto:${policy}` });
      assert.deepEqual([data.model, response.headers.get("x-farthing-attempts")], ["large", "2"], policy);
      assert.equal(textOf(await chunksOf({ model: `auto:${policy}` })), "large answers: Hello there", policy);
    }
  },
  async "a substitute is refused, or told"() {
    assert.equal((await failure(ask({ model: "alias" }), OpenAI.InternalServerError)).status, 502);
    assert.equal((await raw({ model: "auto:substituted" })).response.headers.get("x-farthing-substituted"), "another-model");
  },
  async "a text goes on, without a template"() {
    const text = await client().completions.create({ model: "writer", prompt: "Once upon a time", suffix: "The end." });
    assert.deepEqual([text.object, text.model, text.choices[0].text], ["text_completion", "writer", " and writer goes on: Once upon a time"]);
    const [{ path, body }] = await received("writer");
    assert.deepEqual([path, body.suffix, "messages" in body], ["/v1/completions", "The end.", false]);
  },
  async "a text comes in pieces, and another writer is passed over"() {
    const chunks = [];
    const options = { model: "auto:texts", prompt: "Once", stream: true, stream_options: { include_usage: true } };
    for await (const chunk of await client().completions.create(options)) chunks.push(chunk);
    assert.equal(chunks.flatMap((c) => c.choices).map((c) => c.text).join(""), " and writer goes on: Once");
    assert.deepEqual([chunks.at(-1).choices, chunks.at(-1).usage.completion_tokens], [[], 5]);
  },
  async "a model that only chats writes no text and gives no vectors"() {
    const text = await failure(client().completions.create({ model: "small", prompt: "Once" }), OpenAI.BadRequestError);
    const vectors = await failure(client().embeddings.create({ model: "small", input: "Hi" }), OpenAI.BadRequestError);
    assert.deepEqual([text.code, vectors.code], ["no_candidate", "no_candidate"]);
  },
  async "vectors are read as numbers and cost their input"() {
    const { data, response } = await client().embeddings.create({ model: "auto:spaces", input: ["Hi there", "xxxx"] }).withResponse();
    assert.deepEqual(data.data.map((row) => row.embedding[0]), [1, 0.5]);
    assert.equal((await received("vectors"))[0].body.encoding_format, "base64");
    assert.equal(Math.round(Number(response.headers.get("x-farthing-cost-usd")) * 1e12), data.usage.prompt_tokens * 50000);
  },
  async "floats, tokens and dimensions are handed on"() {
    const answer = await client().embeddings.create({ model: "vectors", input: [[1, 2, 3]], dimensions: 3, encoding_format: "float" });
    assert.deepEqual(answer.data[0].embedding, [0.375, 0.1 + 0.2, -0.5]);
  },
  async "a batch goes through its states and its files can be read"() {
    const batch = await ended(await created([...[1, 2, 3, 4, 5].map((n) => line(n)), line(0, { url: "/v1/embeddings" })].join("\n"), { metadata: { team: "night" } }));
    assert.deepEqual([batch.status, batch.request_counts], ["completed", { total: 6, completed: 5, failed: 1 }]);
    assert.ok(batch.created_at <= batch.in_progress_at && batch.in_progress_at <= batch.completed_at);
    const read = async (id) => (await (await client().files.content(id)).text()).trim().split("\n").map((row) => JSON.parse(row));
    assert.deepEqual((await read(batch.output_file_id)).map((row) => row.custom_id), ["q1", "q2", "q3", "q4", "q5"]);
    assert.deepEqual((await read(batch.error_file_id)).map((row) => [row.error.code, row.error.line]), [["invalid_url", 6]]);
  },
  async "a file without a good line fails its batch and says why"() {
    for (const [content, code] of [["", "empty_file"], ["{\n[1]", "invalid_json_line"], [line(1, { method: "GET" }), "invalid_method"]]) {
      const batch = await ended(await created(content));
      assert.deepEqual([batch.status, batch.errors.data[0].code], ["failed", code]);
    }
  },
  async "a cancelled batch keeps what is done"() {
    const body = { model: "slow", messages: [{ role: "user", content: "Hi" }] };
    const batch = await created([...Array(300).keys()].map((n) => line(n, { body })).join("\n"));
    assert.match((await client().batches.cancel(batch.id)).status, /^cancell/);
    assert.equal((await ended(batch)).status, "cancelled");
  },
  async "an output file says when it expires"() {
    const keep = { anchor: "created_at", seconds: 7200 };
    const batch = await ended(await created(line(1), { output_expires_after: keep }));
    const file = await client().files.retrieve(batch.output_file_id);
    assert.deepEqual([file.purpose, file.expires_at], ["batch_output", file.created_at + 7200]);
    const kept = await uploaded("{}", { expires_after: keep });
    assert.equal(kept.expires_at, kept.created_at + 7200);
  },
  async "files and batches are listed in pages"() {
    const made = [];
    for (const n of [1, 2, 3]) made.push((await created(line(n))).id);
    const listed = [];
    for await (const batch of client().batches.list({ limit: 2 })) if (listed.push(batch.id) === 3) break;
    assert.deepEqual(listed, made.reverse());
    const page = await client().files.list({ purpose: "batch", limit: 2 });
    assert.deepEqual(page.data.map((file) => file.purpose), ["batch", "batch"]);
    assert.ok(page.hasNextPage());
  },
  async "a deleted file is gone"() {
    const file = await uploaded(line(1));
    assert.equal((await client().files.delete(file.id)).deleted, true);
    await failure(client().files.retrieve(file.id), OpenAI.NotFoundError);
    await failure(client().files.content(file.id), OpenAI.NotFoundError);
  },
  async "auto never chooses between spaces"() {
    const error = await failure(client().embeddings.create({ model: "auto:two-spaces", input: "Hi" }), OpenAI.BadRequestError);
    assert.match(error.message, /cannot be compared/);
  },
};

const { version } = JSON.parse(readFileSync(`${folder}/node_modules/openai/package.json`));
process.stdout.write(`# openai-node ${version}, node ${process.version}\n1..${Object.keys(checks).length}\n`);
let failed = 0;
for (const [number, [name, check]] of Object.entries(checks).entries()) {
  const began = performance.now();
  try {
    await fetch(`${fake}/_requests`, { method: "DELETE" });
    await check();
    process.stdout.write(`ok ${number + 1} - ${name} # ${((performance.now() - began) / 1000).toFixed(2)} s\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`not ok ${number + 1} - ${name} # ${`${error.stack ?? error}`.replaceAll("\n", " ").slice(0, 800)}\n`);
  }
}
process.exit(Math.min(failed, 100));
