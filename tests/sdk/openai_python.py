"""The unmodified openai SDK through the gateway: whole, stream, tools, images, errors, usage, async.

Usage: openai_python.py GATEWAY_BASE_URL MODEL [MOCK_ADDRESS [VENDOR]]

With the address of the mock behind the gateway, answers that need a script are tried too: thinking,
refusals, rate limits, streams that die. VENDOR is openai, anthropic or gemini.
"""
import asyncio
import contextlib
import json
import secrets
import sys
import urllib.request

import openai

base_url, model = sys.argv[1], sys.argv[2]
mock = sys.argv[3] if len(sys.argv) > 3 else ""
vendor = sys.argv[4] if len(sys.argv) > 4 else "openai"
client = openai.OpenAI(base_url=base_url, api_key="sk-unused", max_retries=0, timeout=30)

PNG = ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwAD"
       "hgGAWjR9awAAAABJRU5ErkJggg==")


def tool(name):
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": "The weather in a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }


TOOLS = [tool("get_weather"), tool("get_time")]


def user(content):
    return [{"role": "user", "content": content}]


def create(**fields):
    return client.chat.completions.create(model=model, **fields)


@contextlib.contextmanager
def script(**fields):
    """Scripts the mock's next answers, until the block ends: a gateway may ask more than once."""
    def post(body):
        request = urllib.request.Request(
            f"http://{mock}/mock/script", data=json.dumps(body).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    post(fields)
    try:
        yield
    finally:
        post([])


def check_usage(usage):
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0, usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage


def whole():
    nonce = secrets.token_hex(8)
    answer = create(messages=[{"role": "system", "content": "Echo."}, *user(f"say {nonce}")],
                    max_tokens=500, stop=["never-ever"])
    assert answer.object == "chat.completion" and answer.id and answer.created >= 0, answer
    assert answer.choices[0].finish_reason == "stop", answer
    assert nonce in answer.choices[0].message.content, answer
    check_usage(answer.usage)


def conversation():
    nonce = secrets.token_hex(8)
    answer = create(messages=[
        {"role": "system", "content": "Echo."},
        *user("first"), {"role": "assistant", "content": "yes"}, *user(f"then {nonce}")])
    assert nonce in answer.choices[0].message.content, answer


def cut_short():
    answer = create(messages=user("say " + "many words " * 40), max_tokens=5)
    assert answer.choices[0].finish_reason == "length", answer


def read_stream(**fields):
    text, finish, usage = "", [], []
    for chunk in create(stream=True, **fields):
        usage += [chunk.usage] if chunk.usage else []
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish += [choice.finish_reason] if choice.finish_reason else []
    return text, finish, usage


def streams():
    nonce = secrets.token_hex(8)
    text, finish, usage = read_stream(messages=user(f"say {nonce}"))
    assert nonce in text and finish == ["stop"], (text, finish)
    assert usage == [], "usage came although nobody asked for it"
    text, finish, usage = read_stream(
        messages=user(f"say {nonce}"), stream_options={"include_usage": True})
    assert nonce in text and finish == ["stop"] and len(usage) == 1, (text, finish, usage)
    check_usage(usage[0])


def answer_calls(message):
    """The history and the results that go back after a message with calls."""
    nonces = [secrets.token_hex(8) for _ in message.tool_calls]
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"rain {nonce}"}
               for call, nonce in zip(message.tool_calls, nonces)]
    return nonces, [message, *results]


def check_calls(message, names):
    calls = message.tool_calls
    assert [call.function.name for call in calls] == names, calls
    assert len({call.id for call in calls}) == len(calls), calls
    for call in calls:
        assert isinstance(json.loads(call.function.arguments), dict), call


def tool_call():
    messages = user("What is the weather in Oslo?")
    answer = create(messages=messages, tools=TOOLS[:1], tool_choice="required")
    assert answer.choices[0].finish_reason == "tool_calls", answer
    check_calls(answer.choices[0].message, ["get_weather"])
    nonces, more = answer_calls(answer.choices[0].message)
    answer = create(messages=messages + more, tools=TOOLS[:1])
    assert nonces[0] in answer.choices[0].message.content, answer
    assert answer.choices[0].finish_reason == "stop", answer


def parallel_tool_calls():
    messages = user("Please call every tool.")
    answer = create(messages=messages, tools=TOOLS)
    check_calls(answer.choices[0].message, ["get_weather", "get_time"])
    nonces, more = answer_calls(answer.choices[0].message)
    answer = create(messages=messages + more + user("And now?"), tools=TOOLS)
    assert answer.choices[0].finish_reason == "stop", answer
    assert nonces


def streamed_tool_calls():
    """Through the SDK's own accumulating helper, which is stricter than its plain iterator."""
    messages = user("Please call every tool.")
    with client.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as events:
        for _ in events:
            pass
        final = events.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls", final
    check_calls(final.choices[0].message, ["get_weather", "get_time"])
    _, more = answer_calls(final.choices[0].message)
    text, finish, _ = read_stream(messages=messages + more, tools=TOOLS)
    assert text and finish == ["stop"], (text, finish)


def helper_stream():
    nonce = secrets.token_hex(8)
    with client.chat.completions.stream(model=model, messages=user(f"say {nonce}")) as events:
        for _ in events:
            pass
        assert nonce in events.get_final_completion().choices[0].message.content


def images():
    nonce = secrets.token_hex(8)
    parts = [{"type": "text", "text": f"see {nonce}"},
             {"type": "image_url", "image_url": {"url": PNG}}]
    if vendor != "gemini":  # it fetches nothing from the web
        parts.append({"type": "image_url", "image_url": {"url": "https://example.com/x.png"}})
    answer = create(messages=user(parts))
    assert nonce in answer.choices[0].message.content, answer


def errors():
    for field, value, kind in [("model", "no-such-model", openai.NotFoundError),
                               ("messages", "not a list", openai.BadRequestError),
                               ("temperature", "hot", openai.BadRequestError)]:
        fields = {"model": model, "messages": user("x"), field: value}
        try:
            client.chat.completions.create(**fields)
            raise AssertionError(f"answered in spite of {field}={value!r}")
        except kind as error:
            assert error.body["message"], error


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
    events = create(messages=user("say a b c"), stream=True)
    next(iter(events))
    events.close()


def thinking():
    with script(thinking="hm, let me see", text="done"):
        thought = create(messages=user("think")).choices[0].message.reasoning_content
        assert thought == "hm, let me see", thought
        thought = "".join(
            getattr(choice.delta, "reasoning_content", None) or ""
            for chunk in create(messages=user("think"), stream=True) for choice in chunk.choices)
        assert thought == "hm, let me see", thought


def refusal():
    with script(refusal="not that"):
        choice = create(messages=user("x")).choices[0]
    assert choice.finish_reason == "content_filter", choice


def upstream_errors():
    for status, kind in [(400, openai.BadRequestError), (429, openai.RateLimitError),
                         (500, openai.InternalServerError), (503, openai.InternalServerError)]:
        for stream in (False, True):
            with script(status=status):
                try:
                    create(messages=user("x"), stream=stream)
                    raise AssertionError(f"answered in spite of {status}")
                except kind as error:
                    assert error.body["message"], error


def stream_that_dies():
    with script(cut_after_chunks=2, chunks=8):
        try:
            read_stream(messages=user("say something long"))
            raise AssertionError("a stream that died looked complete")
        except openai.APIError:
            pass


steps = [whole, conversation, cut_short, streams, tool_call, parallel_tool_calls,
         streamed_tool_calls, helper_stream, images, errors, models, many_at_once, left_early]
if mock:
    steps += [thinking, refusal] if vendor != "openai" else []
    steps += [stream_that_dies, upstream_errors]  # these may cool the target down
for run_step in steps:
    run_step()
    print(f"  {run_step.__name__}: ok")
print(f"openai {openai.__version__}: {len(steps)} steps ok")
