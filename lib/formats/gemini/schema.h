// JSON Schema as Gemini takes it, and Gemini's OpenAPI subset as JSON Schema.
//
// Cleaning is an allow-list of keywords at every depth; properties that are named like keywords
// stay. Total: what is not a schema is passed on as it stood. Bounds: depth and output size.
// Source: WIRE_FORMATS 3.3.
#ifndef LLMORCH_FORMATS_GEMINI_SCHEMA_H_
#define LLMORCH_FORMATS_GEMINI_SCHEMA_H_

#include <string>
#include <string_view>

#include "json/json.h"

namespace llmorch::gemini {

// For parametersJsonSchema and responseJsonSchema.
std::string json_schema(const json::Value& schema);
// For parameters and responseSchema of older models: `$ref` inlined, upper-case types.
std::string openapi_schema(const json::Value& schema);
// The way back: lower-case types, nullable as a second type, whole numbers as numbers.
std::string from_openapi(const json::Value& schema);
// Whether a tool's schema says nothing but "an object without members".
bool is_empty_object(const json::Value& schema);

}  // namespace llmorch::gemini

#endif  // LLMORCH_FORMATS_GEMINI_SCHEMA_H_
