"""The C ABI from Python, with nothing but ctypes: whole answer, stream, errors, other threads alive.

Usage: ctypes_smoke.py libllmorch_c.so BASE_URL-of-a-mock-upstream
"""
import ctypes
import json
import secrets
import sys
import threading
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p

ERROR, END, DATA, TIMEOUT = -1, 0, 1, 2


class LlmorchError(Exception):
    pass


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        declare = self._declare
        declare("llmorch_version", c_char_p)
        declare("llmorch_gateway_open", c_void_p, c_char_p, c_size_t, POINTER(c_void_p))
        declare("llmorch_gateway_free", None, c_void_p)
        declare("llmorch_stream_open", c_void_p, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t,
                POINTER(c_void_p))
        declare("llmorch_stream_next", c_int32, c_void_p, c_int64, POINTER(c_void_p),
                POINTER(c_size_t), POINTER(c_void_p))
        declare("llmorch_stream_free", None, c_void_p)
        declare("llmorch_error_json", c_void_p, c_void_p, POINTER(c_size_t))
        declare("llmorch_error_free", None, c_void_p)

    def _declare(self, name, result, *arguments):
        function = getattr(self.c, name)
        function.restype, function.argtypes = result, arguments

    def raise_if(self, error):
        if not error:
            return
        size = c_size_t()
        text = ctypes.string_at(self.c.llmorch_error_json(error, byref(size)), size.value)
        self.c.llmorch_error_free(error)
        raise LlmorchError(json.loads(text))


class Gateway:
    def __init__(self, library, config):
        self.library, self.handle = library, c_void_p()
        text = json.dumps(config).encode()
        library.raise_if(library.c.llmorch_gateway_open(text, len(text), byref(self.handle)))

    def close(self):
        self.library.c.llmorch_gateway_free(self.handle)

    def pieces(self, request):
        """Yields the bytes of one answer; the caller may stop early."""
        c, stream = self.library.c, c_void_p()
        body = json.dumps(request).encode()
        self.library.raise_if(
            c.llmorch_stream_open(self.handle, b"openai_chat", 11, body, len(body), byref(stream)))
        try:
            data, size, error = c_void_p(), c_size_t(), c_void_p()
            while True:
                found = c.llmorch_stream_next(stream, 10000, byref(data), byref(size), byref(error))
                if found == DATA:
                    yield ctypes.string_at(data.value, size.value)
                elif found == END:
                    return
                else:
                    self.library.raise_if(error.value)
                    raise TimeoutError(f"stream_next said {found}")
        finally:
            c.llmorch_stream_free(stream)


def request(text, **more):
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def text_of(stream_bytes):
    lines = [line[5:].strip() for line in stream_bytes.decode().split("\n") if line.startswith("data:")]
    assert lines[-1] == "[DONE]", lines[-1]
    choices = [choice for line in lines[:-1] for choice in json.loads(line)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def main():
    library = Library(sys.argv[1])
    assert library.c.llmorch_version().count(b".") == 2
    gateway = Gateway(library, {
        "version": 1,
        "providers": [{"name": "mock", "type": "openai", "base_url": sys.argv[2], "api_key": "sk-t"}],
        "models": [{"name": "m", "targets": [{"provider": "mock", "model": "mock-model"}]}],
    })

    nonce = "grüße-" + secrets.token_hex(8)
    whole = json.loads(b"".join(gateway.pieces(request(nonce))))
    assert nonce in whole["choices"][0]["message"]["content"], whole

    nonce = secrets.token_hex(8)
    streamed = text_of(b"".join(gateway.pieces(request(nonce, stream=True))))
    assert nonce in streamed, streamed

    shown = b""
    try:
        for piece in gateway.pieces({**request("x"), "model": "nobody"}):
            shown += piece
        raise AssertionError("an unknown model was answered")
    except LlmorchError as error:
        detail = error.args[0]
        assert set(detail) == {"code", "message", "http_status", "reason", "param", "retry_after_ms"}
        assert (detail["http_status"], detail["reason"]) == (404, "model_not_found"), detail
    assert json.loads(shown)["error"]["code"] == "model_not_found", shown

    try:
        Gateway(library, {"version": 1, "providers": "none"})
        raise AssertionError("a broken configuration was accepted")
    except LlmorchError as error:
        assert error.args[0]["code"] == "invalid_argument", error

    # One gateway, many threads: the interpreter's lock is free while a stream waits.
    answers = {}

    def ask(number):
        answers[number] = text_of(b"".join(gateway.pieces(request(f"n{number}n", stream=True))))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"n{number}n" in answers[number] for number in range(8)), answers

    next(iter(gateway.pieces(request("left early", stream=True))))
    gateway.close()
    print("ctypes_smoke: ok")


if __name__ == "__main__":
    main()
