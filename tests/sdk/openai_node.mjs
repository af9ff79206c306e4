// The unmodified openai SDK for Node through the gateway: whole, stream, tools, images, errors.
//
// Usage: node openai_node.mjs GATEWAY_BASE_URL MODEL VENDOR     (openai from NODE_PATH's folder)
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';

const [baseURL, model, vendor] = process.argv.slice(2);
const require = createRequire(path.join(process.env.NODE_PATH ?? '.', 'x.cjs'));
const { OpenAI } = require('openai');
const { VERSION } = require('openai/version');
const client = new OpenAI({ baseURL, apiKey: 'sk-unused', maxRetries: 0, timeout: 30_000 });

const PNG = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const tool = (name) => ({
  type: 'function',
  function: {
    name,
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
});
const tools = [tool('get_weather'), tool('get_time')];
const user = (content) => [{ role: 'user', content }];
const nonce = () => randomBytes(8).toString('hex');
const create = (fields) => client.chat.completions.create({ model, ...fields });

function checkCalls(message, names) {
  assert.deepEqual(message.tool_calls.map((call) => call.function.name), names);
  for (const call of message.tool_calls) assert.equal(typeof JSON.parse(call.function.arguments), 'object');
}
const results = (message) =>
  message.tool_calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: `rain ${call.id}` }));

const steps = {
  async whole() {
    const word = nonce();
    const answer = await create({ messages: [{ role: 'system', content: 'Echo.' }, ...user(`say ${word}`)] });
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.ok(answer.choices[0].message.content.includes(word));
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
    assert.equal(total_tokens, prompt_tokens + completion_tokens);
  },
  async streams() {
    const word = nonce();
    let text = '';
    let usage = 0;
    for await (const chunk of await create({
      messages: user(`say ${word}`), stream: true, stream_options: { include_usage: true },
    })) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage += chunk.usage ? 1 : 0;
    }
    assert.ok(text.includes(word));
    assert.equal(usage, 1);
  },
  async helperStream() {
    const word = nonce();
    const stream = client.chat.completions.stream({ model, messages: user(`say ${word}`) });
    const final = await stream.finalChatCompletion();
    assert.ok(final.choices[0].message.content.includes(word));
  },
  async toolCall() {
    const messages = user('What is the weather in Oslo?');
    let answer = await create({ messages, tools: tools.slice(0, 1), tool_choice: 'required' });
    const { message } = answer.choices[0];
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    checkCalls(message, ['get_weather']);
    answer = await create({ messages: [...messages, message, ...results(message)], tools });
    assert.ok(answer.choices[0].message.content.includes(message.tool_calls[0].id));
  },
  async parallelToolCallsStreamed() {
    const messages = user('Please call every tool.');
    const stream = client.chat.completions.stream({ model, messages, tools });
    const { message } = (await stream.finalChatCompletion()).choices[0];
    checkCalls(message, ['get_weather', 'get_time']);
    const answer = await create({ messages: [...messages, message, ...results(message)], tools });
    assert.equal(answer.choices[0].finish_reason, 'stop');
  },
  async images() {
    const word = nonce();
    const parts = [{ type: 'text', text: `see ${word}` }, { type: 'image_url', image_url: { url: PNG } }];
    // Gemini fetches nothing from the web.
    if (vendor !== 'gemini') parts.push({ type: 'image_url', image_url: { url: 'https://example.com/x.png' } });
    const answer = await create({ messages: user(parts) });
    assert.ok(answer.choices[0].message.content.includes(word));
  },
  async errors() {
    await assert.rejects(client.chat.completions.create({ model: 'no-such-model', messages: user('x') }), OpenAI.NotFoundError);
    await assert.rejects(create({ messages: 'not a list' }), OpenAI.BadRequestError);
  },
  async models() {
    const ids = [];
    for await (const entry of client.models.list()) ids.push(entry.id);
    assert.ok(ids.includes(model));
  },
  async manyAtOnce() {
    await Promise.all(Array.from({ length: 32 }, async (_, number) => {
      const answer = await create({ messages: user(`number ${number}x`) });
      assert.ok(answer.choices[0].message.content.includes(`number ${number}x`));
    }));
  },
  async leftEarly() {
    for await (const _ of await create({ messages: user('say a b c'), stream: true })) break;
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log(`  ${name}: ok`);
}
console.log(`openai-node ${VERSION}: ${Object.keys(steps).length} steps ok`);
