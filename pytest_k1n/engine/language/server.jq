# What names of jq mean to jackson-jq 0.0.13, where libjq means something else; asked of Conductor 3.32.1. A program gets
# those parts that it names; a line that begins with ## says which name brings the part below it. `_mod`, `_multiply`,
# `_negate`, `_modify`, `_less` and the like are what libjq calls for an operator. What one needs of another stands before.
## _refused
def _refused(name; kinds):
  error(name + " is not applicable to " + (type | ascii_upcase) + "; expected one of [" + kinds + "]");
## _shown
def _shown:
  if type == "number" then
    if isnan then "NaN" elif isinfinite then (if . > 0 then "Infinity" else "-Infinity" end) else . end
  elif type | . == "array" or . == "object" then map_values(_shown)
  else . end;
## _unbound
def _own_tojson: tojson;
def tojson: _shown | _own_tojson;
def tostring: if type == "string" then . else tojson end;
## _double
def _double:
  if isnan or isinfinite then .
  else tostring | if contains(".") or contains("e") then . else . + ".0" end | tonumber end;
## atan
def _own_atan: atan; def atan: _own_atan | _double;
## cos
def _own_cos: cos; def cos: _own_cos | _double;
## floor
def _own_floor: floor; def floor: _own_floor | _double;
## log2
def _own_log2: log2; def log2: _own_log2 | _double;
## sin
def _own_sin: sin; def sin: _own_sin | _double;
## sqrt
def _own_sqrt: sqrt; def sqrt: _own_sqrt | _double;
## tonumber
def _own_tonumber: tonumber;
def tonumber:
  if type == "string" then . as $s | _own_tonumber + 0
    | if isnan then error("string (\($s | tojson)) cannot be parsed as a number") else . end
  else _own_tonumber end;
## _is_number
def _is_number: type == "number";
## _ordered
def _ordered(f; g; compared; otherwise):
  def _rank: [isnan, if isnan then 0 else . end];
  g as $g | f as $f
  | if [$f, $g | _is_number] | all then [$f, $g | _rank] | compared else [$f, $g] | otherwise end;
## _nan
def _is_same(f; g): f == g; def _is_other(f; g): f != g; def _is_less(f; g): f < g; def _is_more(f; g): f > g;
def _is_most(f; g): f <= g; def _is_least(f; g): f >= g;
def _equal(f; g): _ordered(f; g; _is_same(.[0]; .[1]); _is_same(.[0]; .[1]));
def _notequal(f; g): _ordered(f; g; _is_other(.[0]; .[1]); _is_other(.[0]; .[1]));
def _less(f; g): _ordered(f; g; _is_less(.[0]; .[1]); _is_less(.[0]; .[1]));
def _greater(f; g): _ordered(f; g; _is_more(.[0]; .[1]); _is_more(.[0]; .[1]));
def _lesseq(f; g): _ordered(f; g; _is_most(.[0]; .[1]); _is_most(.[0]; .[1]));
def _greatereq(f; g): _ordered(f; g; _is_least(.[0]; .[1]); _is_least(.[0]; .[1]));
## _negate
def _own_negate: _negate;
def _negate: if type == "number" then 0 - . else _own_negate end;
## _same
def _same: .;
## _mod
def _own_mod(f; g): f % g;
def _mod(f; g):
  g as $g | f as $f
  | if ([$f, $g] | all(type == "number")) and ([$f, $g] | tojson | contains(".") or contains("E") or contains("e"))
    then error("to calculate module, both sides must be a integer")
    else _own_mod($f; $g) end;
## _multiply
def _own_multiply(f; g): f * g;
def _multiply(f; g):
  g as $g | f as $f | [$f, $g | type]
  | if . == ["number", "string"]
    then error("number (\($f)) and string (\($g | tojson)) cannot be multiplied")
    elif . == ["string", "number"] and $g < 1 then null
    else _own_multiply($f; $g) end;
## _modify
def _modify(ps; f): reduce path(ps) as $p (.; setpath($p; [getpath($p) | f][0]));
## map_values
def map_values(f): _modify(.[]; f);
## _worded
def _worded:
  if type == "string" then
    sub("^Cannot index (?<a>\\w+) with string \\((?<b>\".*\")\\)$"; "Cannot index \(.a) with string \(.b)")
    | sub("^Cannot index (?<a>\\w+) with number \\(.*\\)$"; "Cannot index \(.a) with number")
    | sub("^Cannot iterate over (?<a>\\w+) \\(.*\\)$"; "Cannot iterate over \(.a)")
    | sub("^(?<a>\\w+) \\(.*\\) has no length$"; "\(.a) has no length")
    | if contains("[Source: REDACTED (") then "N/A" else . end
  else . end;
## reverse
def _own_reverse: reverse;
def reverse: if type == "array" then _own_reverse else _refused("reverse"; "ARRAY") end;
## from_entries
def from_entries:
  def _named:
    if type != "object" then
      error("from_entries is not applicable to input which contains " + (type | ascii_upcase) + "; expected one of [OBJECT]")
    else
      [.key, .Key, .name, .Name | strings][0]
      // error("input elements to from_entries() must be object and have 'key', 'Key' or 'Name' field")
    end;
  if type != "array" then _refused("from_entries"; "ARRAY")
  else
    reduce .[] as $e ({}; ($e | _named) as $k | setpath([$k]; $e | if has("value") then .value else .Value end))
  end;
## with_entries
def with_entries(f): to_entries | map(f) | from_entries;
## recurse
def recurse(f): def r: ., (f | select(. != null) | r); r;
def recurse: recurse(.[]?);
## recurse_down
def recurse_down: recurse;
## paths
def paths: paths(.);
## leaf_paths
def leaf_paths: paths(scalars);
## walk
def walk(f):
  if type == "object" then . as $o | reduce keys[] as $k ({}; setpath([$k]; $o[$k] | walk(f))) | f
  elif type == "array" then map(walk(f)) | f
  else f end;
## limit
def _own_limit(n; f): limit(n; f);
def limit($n; f): if $n < 0 then f else _own_limit($n; f) end;
## last
def last(f): reduce f as $x (null; $x);
## nth
def nth($n; f): if $n < 0 then error("nth doesn't support negative indices") else last(limit($n + 1; f)) end;
## split
def _some_split(f): split(f);
def split($s): if . == "" and ($s | type == "string" and . != "") then [""] else _some_split($s) end;
## _csv
def _csv: map(if type == "string" then "\"" + (split("\"") | join("\"\"")) + "\"" else tostring end) | join(",");
## _tsv
def _tsv: map(tostring | split("\t") | join("\\t")) | join("\t");
## group
def group: group_by(.);
def group(f): group_by(f);
## sort
def sort(f): sort_by(f);
## min
def min(f): min_by(f);
## max
def max(f): max_by(f);
## unique
def unique(f): unique_by(f);
## error
def _own_error(f): error(f);
def error(f): f as $e | _own_error($e | if type | . == "object" or . == "array" then "" else . end);
## explode
def _points: explode;
def explode:
  _points | map(if . > 65535 then . - 65536 | (. - . % 1024) / 1024 + 55296, . % 1024 + 56320 else . end);
## implode
def _of_points: implode;
def implode:
  if type == "array" and all(type == "number") then
    map(if . < 0 or . > 65535 then (. % 65536 + 65536) % 65536 else . end)
    | reduce .[] as $u ([];
        if length > 0 and $u >= 56320 and $u < 57344 and .[-1] >= 55296 and .[-1] < 56320
        then .[:-1] + [(.[-1] - 55296) * 1024 + $u + 9216] else . + [$u] end)
    | map(if . >= 55296 and . < 57344 then 63 else . end)
  else . end | _of_points;
## fromjson
def _some_fromjson: fromjson;
def fromjson:
  def _told($words; $column):
    error($words + "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: "
      + ($column | tostring) + "]");
  def _character($what; $text):
    _told("Unexpected character (\u0027" + $text[-1:] + "\u0027 (code " + ($text[-1:] | explode[0] | tostring) + ")): " + $what;
      $text | length);
  if type != "string" then _some_fromjson
  else [match("^[ \\t]*([A-Za-z_$][A-Za-z_$0-9]*)").captures[0] | .string, .offset + .length + 1] as [$token, $column]
    | if test("^\\s*$") then ""
      elif $token != null and ($token | . != "true" and . != "false" and . != "null") then
        _told(if $token == "NaN"
          then "Non-standard token \u0027NaN\u0027: enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
          else "Unrecognized token \u0027" + $token
            + "\u0027: was expecting (JSON String, Number, Array, Object or token \u0027null\u0027, \u0027true\u0027 or \u0027false\u0027)"
          end; $column)
      elif test("^[ \\t]*\\{[ \\t]*[^ \\t\\r\\n\"}]") then
        _character("was expecting double-quote to start field name"; match("^[ \\t]*\\{[ \\t]*[^ ]").string)
      elif test("^[ \\t]*-?0[0-9]") then
        _told("Invalid numeric value: Leading zeroes not allowed"; match("^[ \\t]*-?0").length + 1)
      else _some_fromjson end
  end;
