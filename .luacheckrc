-- `luacheck exchange/scripts`: the scripts as Redis 7 runs them. `keys` and the parts come before a script when it is
-- assembled (`exchange/scripts/__init__.py`), so each file reads them as globals.
std = "lua51"
max_line_length = 120
read_globals = {
  "redis", "cjson", "ARGV",
  "keys", "args", "now", "call", "number", "quarantine", "put_aside", "jobs", "fair", "claiming", "pacing", "bans",
}
files["exchange/scripts/parts"] = {
  ignore = { "211/args", "211/now", "211/call", "211/number", "211/quarantine", "241", "431" }, -- a part defines what only other files read
}
