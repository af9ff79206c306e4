"""Request bodies that the tests encoded, against the vendors' own published types.

Usage: upstream_types.py FOLDER       FOLDER: <n>.openai.json, <n>.anthropic.json, <n>.gemini.json

Every object of every body is checked to any depth, and a field that the type does not have is an
error. Exit: 0 all fit, 1 some do not, 77 the packages are not installed.
"""
import collections.abc
import json
import pathlib
import sys
import types
import typing

try:
    import anthropic
    import anthropic.types
    import google.genai
    import google.genai.types as genai
    import openai
    import openai.types.chat
    import pydantic
    import typing_extensions
    from openai.types.chat import completion_create_params
    from anthropic.types import message_create_params
    from anthropic.types.beta import message_create_params as beta_create_params
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

FORBID = pydantic.ConfigDict(extra="forbid", strict=True)


class Strict:
    """The SDKs' TypedDicts as pydantic reads them, with nothing lazy and nothing extra.

    Iterable becomes list (pydantic would not look into it), and alternatives that JSON cannot be
    (models of answers, open files) are left out.
    """

    def __init__(self):
        self.known = {}

    def of(self, tp):
        origin = typing_extensions.get_origin(tp)
        args = typing_extensions.get_args(tp)
        if typing_extensions.is_typeddict(tp):
            return self.typed_dict(tp)
        if origin is typing_extensions.Annotated or origin in (
                typing_extensions.Required, typing_extensions.NotRequired):
            return self.of(args[0])
        if origin is typing.Union or origin is types.UnionType:
            kept = [self.of(arg) for arg in args if self.is_json(arg)]
            return typing.Union[tuple(kept)]
        if origin in (list, collections.abc.Iterable, collections.abc.Sequence):
            return typing.List[self.of(args[0])]
        if origin in (dict, collections.abc.Mapping):
            return typing.Dict[self.of(args[0]), self.of(args[1])]
        if tp is object:
            return typing.Any
        return tp

    def is_json(self, tp):
        origin = typing_extensions.get_origin(tp) or tp
        if origin is typing_extensions.Annotated:
            return self.is_json(typing_extensions.get_args(tp)[0])
        if not isinstance(origin, type) or typing_extensions.is_typeddict(origin):
            return True
        if issubclass(origin, pydantic.BaseModel):
            return False
        return origin in (str, int, float, bool, type(None), object, list, dict,
                          collections.abc.Iterable, collections.abc.Sequence,
                          collections.abc.Mapping)

    def typed_dict(self, tp):
        if tp not in self.known:
            self.known[tp] = None
            hints = typing_extensions.get_type_hints(tp, include_extras=False)
            fields = {}
            for name, hint in hints.items():
                wrap = (typing_extensions.Required if name in tp.__required_keys__
                        else typing_extensions.NotRequired)
                fields[name] = wrap[self.of(hint)]
            built = typing_extensions.TypedDict(tp.__name__, fields)
            built.__pydantic_config__ = FORBID
            self.known[tp] = built
        if self.known[tp] is None:
            raise TypeError(f"{tp.__name__} contains itself: this check cannot follow it")
        return self.known[tp]

    def adapter(self, *alternatives):
        return pydantic.TypeAdapter(typing.Union[tuple(self.of(tp) for tp in alternatives)])


def generate_content_type():
    """The body of models.generateContent: the SDK has types for its parts, which forbid extras."""
    optional = lambda tp: (typing.Optional[tp], None)
    for part in (genai.Content, genai.Tool, genai.ToolConfig, genai.GenerationConfig):
        assert part.model_config.get("extra") == "forbid", part
    return pydantic.TypeAdapter(pydantic.create_model(
        "GenerateContentRequest", __config__=pydantic.ConfigDict(extra="forbid"),
        contents=(typing.List[genai.Content], ...),
        systemInstruction=optional(genai.Content),
        tools=optional(typing.List[genai.Tool]),
        toolConfig=optional(genai.ToolConfig),
        generationConfig=optional(genai.GenerationConfig),
        safetySettings=optional(typing.List[genai.SafetySetting]),
        serviceTier=optional(genai.ServiceTier),
        cachedContent=optional(str)))


# Sampling is gone from the types of Anthropic's newest API version; models of the one before, which
# the bodies are for, take it.
OF_THE_VERSION_BEFORE = ("temperature", "top_p", "top_k")
# Recorded requests of Anthropic callers may use what only the types of its beta know.
BETA_FIELDS = {"mcp_servers", "context_management"}


USER = {"role": "user", "content": [{"type": "text", "text": "a", "x": 1}]}
SPOILED = {  # one field too many, deep inside
    "openai": {"model": "m", "messages": [USER]},
    "anthropic": {"model": "m", "max_tokens": 5, "messages": [USER]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "a", "x": 1}]}]},
}


def check_that_it_refuses(adapters):
    for vendor, adapter in adapters.items():
        try:
            adapter.validate_python(SPOILED[vendor])
        except pydantic.ValidationError:
            continue
        raise AssertionError(f"the check of {vendor} bodies takes anything")


def main(folder):
    strict = Strict()
    adapters = {
        "openai": strict.adapter(completion_create_params.CompletionCreateParamsNonStreaming,
                                 completion_create_params.CompletionCreateParamsStreaming),
        "anthropic": strict.adapter(message_create_params.MessageCreateParamsNonStreaming,
                                    message_create_params.MessageCreateParamsStreaming),
        "gemini": generate_content_type(),
    }
    check_that_it_refuses(adapters)
    beta_adapter = strict.adapter(beta_create_params.MessageCreateParamsNonStreaming,
                                  beta_create_params.MessageCreateParamsStreaming)
    checked = dict.fromkeys(adapters, 0)
    failed = older = beta = 0
    for path in sorted(folder.glob("*.json")):
        vendor = path.name.split(".")[-2]
        if vendor not in adapters:
            continue
        text = path.read_text()
        checked[vendor] += 1
        try:
            if vendor == "gemini":
                adapters[vendor].validate_json(text)
                continue
            body = json.loads(text)
            if vendor == "anthropic":
                older += any([body.pop(key, None) is not None for key in OF_THE_VERSION_BEFORE])
                if BETA_FIELDS & body.keys():
                    beta += 1
                    beta_adapter.validate_python(body)
                    continue
            adapters[vendor].validate_python(body)
        except pydantic.ValidationError as error:
            failed += 1
            print(f"{path.name}: {error.error_count()} errors")
            for one in error.errors()[:6]:
                print(f"  {'.'.join(map(str, one['loc']))}: {one['msg']}")
            print(f"  {text[:2000]}")
    print(f"openai {openai.__version__}, anthropic {anthropic.__version__}, "
          f"google-genai {google.genai.__version__}")
    print(f"{', '.join(f'{count} {vendor}' for vendor, count in checked.items())} bodies checked, "
          f"{failed} do not fit; of Anthropic's, {older} have sampling parameters and {beta} are of "
          "the beta")
    if not all(checked.values()):
        print("no bodies of " + ", ".join(v for v, count in checked.items() if not count))
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
