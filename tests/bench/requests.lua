-- Requests for wrk from a file of lines "path<tab>authorization<tab>header: value|header: value".
-- Arguments after `--`: the file, the method, "again" to begin anew at its end or "once" to stop there.
local ready, at, again, spare = {}, 0, true, nil

function init(args)
	local method = args[2]
	again = args[3] ~= "once"
	for line in io.lines(args[1]) do
		local path, authorization, more = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
		local headers = {}
		headers["Host"] = wrk.headers["Host"] or wrk.host .. ":" .. wrk.port
		if authorization ~= "" then headers["Authorization"] = authorization end
		for name, value in more:gmatch("([^|:]+): ([^|]*)") do headers[name] = value end
		ready[#ready + 1] = wrk.format(method, path, headers, method == "POST" and "" or nil)
	end
	spare = wrk.format("GET", "/exhausted", {})
end

function request()
	at = at + 1
	if at > #ready then
		if not again then return spare end
		at = 1
	end
	return ready[at]
end

function done(summary, latency, requests)
	local errors = summary.errors
	print(string.format(
		'\nRESULT {"requests": %d, "microseconds": %d, "p50": %.1f, "p99": %.1f, "bytes": %d, "failed": %d, "refused": %d}',
		summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.bytes,
		errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
