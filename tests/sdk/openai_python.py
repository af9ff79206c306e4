"""The unmodified openai SDK through the gateway: whole, stream, tools, errors, async.

Usage: openai_python.py GATEWAY_BASE_URL MODEL
"""
import asyncio
import json
import secrets
import sys

import openai

base_url, model = sys.argv[1], sys.argv[2]
client = openai.OpenAI(base_url=base_url, api_key="sk-unused", max_retries=0, timeout=30)

TOOLS = [{
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}]


def user(text):
    return [{"role": "user", "content": text}]


def whole():
    nonce = secrets.token_hex(8)
    answer = client.chat.completions.create(model=model, messages=user(f"say {nonce}"))
    assert answer.object == "chat.completion" and answer.choices[0].finish_reason == "stop", answer
    assert nonce in answer.choices[0].message.content, answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def stream(**more):
    nonce = secrets.token_hex(8)
    chunks = list(client.chat.completions.create(
        model=model, messages=user(f"say {nonce}"), stream=True, **more))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert nonce in text and len(chunks) > 2, text
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    return [c.usage for c in chunks if c.usage]


def streams():
    assert stream() == [], "usage came although nobody asked for it"
    usage = stream(stream_options={"include_usage": True})
    assert len(usage) == 1 and usage[0].completion_tokens > 0, usage


def tool_call():
    messages = user("What is the weather in Oslo?")
    answer = client.chat.completions.create(
        model=model, messages=messages, tools=TOOLS, tool_choice="required")
    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls" and call.function.name == "get_weather"
    json.loads(call.function.arguments)
    nonce = secrets.token_hex(8)
    messages += [answer.choices[0].message,
                 {"role": "tool", "tool_call_id": call.id, "content": f"rain {nonce}"}]
    answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS)
    assert nonce in answer.choices[0].message.content, answer


def tool_call_streamed():
    name, arguments, finish = "", "", None
    for chunk in client.chat.completions.create(
            model=model, messages=user("What is the weather in Oslo?"), tools=TOOLS,
            tool_choice="required", stream=True):
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or []:
                name += call.function.name or ""
                arguments += call.function.arguments or ""
    assert (name, finish) == ("get_weather", "tool_calls")
    json.loads(arguments)


def helper_stream():
    """The SDK's own accumulating helper is stricter than its plain iterator."""
    nonce = secrets.token_hex(8)
    with client.chat.completions.stream(model=model, messages=user(f"say {nonce}")) as events:
        for _ in events:
            pass
        assert nonce in events.get_final_completion().choices[0].message.content


def errors():
    try:
        client.chat.completions.create(model="no-such-model", messages=user("x"))
        raise AssertionError("an unknown model was answered")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error
    try:
        client.chat.completions.create(model=model, messages="not a list")
        raise AssertionError("a broken request was answered")
    except openai.BadRequestError:
        pass


def models():
    assert model in [entry.id for entry in client.models.list()]


def many_at_once():
    async def ask(async_client, number):
        answer = await async_client.chat.completions.create(
            model=model, messages=user(f"number {number}x"))
        assert f"number {number}x" in answer.choices[0].message.content

    async def run():
        async with openai.AsyncOpenAI(
                base_url=base_url, api_key="sk-unused", max_retries=0) as async_client:
            await asyncio.gather(*(ask(async_client, number) for number in range(32)))

    asyncio.run(run())


def left_early():
    events = client.chat.completions.create(model=model, messages=user("say a b c"), stream=True)
    next(iter(events))
    events.close()


steps = [whole, streams, tool_call, tool_call_streamed, helper_stream, errors, models, many_at_once,
         left_early, whole]
for run_step in steps:
    run_step()
    print(f"  {run_step.__name__}: ok")
print(f"openai {openai.__version__}: {len(steps)} steps ok")
