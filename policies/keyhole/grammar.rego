# METADATA
# title: The grammar of references
# description: >-
#   Says of a text whether Keyhole can read it, as docs/references.md has it. It knows no more than that: what a
#   reference means is read by Keyhole alone. Both agree on the vectors of tests/policies/vectors.json.
package keyhole.grammar

import rego.v1

import data.keyhole.characters

# Whether a text is a reference, or contains one, well-formed or not.
has_reference(text) if is_bare(text)

has_reference(text) if {
	# Cheap, and true of few of the texts in a Secret of a megabyte.
	contains(text, "vault")
	regex.match(_opener, text)
}

# Whether a text can be read: it is a reference, or every reference within it can be read.
accepts(text) if {
	is_bare(text)
	_is_reference(text)
}

accepts(text) if {
	not is_bare(text)
	openers := regex.find_n(_opener, text, -1)
	every opener in openers {
		# One with another name cannot be read wherever it ends, and may hide the next one.
		regex.match(_named_opener, opener)
	}
	inner := _inline(text)
	count(inner) == count(openers)
	count(inner) <= characters.most_references
	every reference in inner {
		_is_reference(reference)
	}
}

# Whether a text claims to be one reference as a whole.
is_bare(text) if {
	startswith(text, "vault")
	regex.match(_bare, text)
}

# Whether a text is a list of whole secrets, as in `keyhole.dev/from`.
accepts_paths(text) if {
	parts := split(text, ",")
	count(parts) <= characters.most_paths
	whole := [path | some part in parts; path := _whole_path(_trimmed(part))]
	count(whole) == count(parts)
	count({path | some path in whole}) == count(whole)
}

_trimmed(text) := regex.replace(text, sprintf("^%[1]s+|%[1]s+$", [characters.blanks]), "")

_connection := `[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`

_bare := sprintf(`^vault(?:\+%s)?:`, [characters.claimed_connection])

_opener := sprintf(`(?:\(\(|\$\{)vault(?::|\+%s:)`, [characters.claimed_connection])

_named_opener := sprintf(`^(?:\(\(|\$\{)vault(?:\+%s)?:$`, [_connection])

_inline_pattern := sprintf(`(?s)\(\((vault(?::|\+%[1]s:).*?)\)\)|\$\{(vault(?::|\+%[1]s:).*?)\}`, [characters.claimed_connection])

_inline(text) := [trim_right(concat("", [match[1], match[2]]), " \t") |
	some match in regex.find_all_string_submatch_n(_inline_pattern, text, -1)
]

_is_reference(text) if {
	not regex.match(`\(\(|\$\{`, text)
	_bytes(text) <= characters.most_reference_bytes
	parts := split(text, "|")
	count(parts) <= characters.most_functions + 1
	[connection, path, field, version] := _head(_before_bar(parts[0], count(parts) > 1))
	functions := [_function(part) | some part in _functions(parts)]
	every function in functions {
		function.known
	}
	_fits(text, connection, path, field, version, functions)
}

# The parts before the first function: connection, decoded path and field, version.
_head(text) := [match[1], path, field, match[4]] if {
	pattern := sprintf(`^vault(?:\+(%s))?:([^#|)}]*)#([^#|)}]*)(?:#([1-9][0-9]{0,9}))?$`, [_connection])
	match := regex.find_all_string_submatch_n(pattern, text, 1)[0]
	path := _decoded(match[2])
	_is_path(path)
	field := _decoded(match[3])
	not regex.match(characters.escaped_in_field, match[3])
	not field == ""
	not regex.match(characters.forbidden_in_field, field)
}

# The blanks before a bar belong to no part.
_before_bar(text, true) := trim_right(text, " \t")

_before_bar(text, false) := text

_functions(parts) := [_before_bar(trim_left(part, " \t"), number < (count(parts) - 1)) |
	some number, part in parts
	number > 0
]

default _function(_) := {"known": false}

_function(name) := {"known": true, "name": name, "argument": null} if characters.functions[name] == null

_function(text) := {"known": true, "name": name, "argument": argument} if {
	[_, name, raw] := regex.find_all_string_submatch_n(`^([a-z0-9]+):([^|)}]*)$`, text, 1)[0]
	pattern := characters.functions[name]
	pattern != null
	not regex.match(characters.escaped_in_argument, raw)
	not regex.match(sprintf("^%[1]s|%[1]s$", [characters.escaped_at_edge]), raw)
	argument := _decoded(raw)
	regex.match(pattern, argument)
}

# Undefined if a blank stands at an edge, or an escape is none or is not UTF-8 (RFC 3629, section 4).
_decoded(text) := urlquery.decode(replace(text, "+", "%2B")) if {
	not regex.match(`^[ \t]|[ \t]$`, text)
	regex.match(_escaped, text)
}

_escaped := sprintf(`^(?:[^%%]|%[1]s)*$`, [concat("|", [
	`%[0-7][0-9A-Fa-f]`,
	sprintf(`%%(?:[Cc][2-9A-Fa-f]|[Dd][0-9A-Fa-f])%s`, [_tail]),
	sprintf(`%%[Ee]0%%[AaBb][0-9A-Fa-f]%s`, [_tail]),
	sprintf(`%%(?:[Ee][1-9A-CEFa-cef])%[1]s%[1]s`, [_tail]),
	sprintf(`%%[Ee][Dd]%%[89][0-9A-Fa-f]%s`, [_tail]),
	sprintf(`%%[Ff]0%%[9ABab][0-9A-Fa-f]%[1]s%[1]s`, [_tail]),
	sprintf(`%%[Ff][1-3]%[1]s%[1]s%[1]s`, [_tail]),
	sprintf(`%%[Ff]4%%8[0-9A-Fa-f]%[1]s%[1]s`, [_tail]),
])])

_tail := `%[89ABab][0-9A-Fa-f]`

_is_path(path) if {
	not regex.match(characters.forbidden_in_path, path)
	segments := split(path, "/")
	count(segments) > 1
	not regex.match(characters.own_mount, segments[0])
	every segment in segments {
		not split(segment, ";")[0] in {"", ".", ".."}
		not regex.match(`^ | $`, segment)
	}
}

# The canonical text has more escapes, and must not be too long either. Only a long text can be.
_fits(text, _, _, _, _, _) if _bytes(text) * 3 <= characters.most_reference_bytes

_fits(text, connection, path, field, version, functions) if {
	_bytes(text) * 3 > characters.most_reference_bytes
	total := sum([
		_bytes("vault:#"),
		_connection_bytes(connection),
		_canonical_bytes(path, "#"),
		_canonical_bytes(field, "#"),
		_marked_bytes("#", version),
		sum([bytes |
			some function in functions
			bytes := (_bytes(" | ") + _bytes(function.name)) + _argument_bytes(function.argument)
		]),
	])
	total <= characters.most_reference_bytes
}

# The default connection is not written out.
_connection_bytes("") := 0

_connection_bytes(name) := 0 if name == characters.default_connection

_connection_bytes(name) := _bytes(name) + 1 if {
	name != ""
	name != characters.default_connection
}

_marked_bytes(_, "") := 0

_marked_bytes(mark, text) := _bytes(text) + _bytes(mark) if text != ""

_argument_bytes(null) := 0

_argument_bytes(text) := _canonical_bytes(text, "") + 1 if is_string(text)

# An escape has three bytes for one.
_canonical_bytes(text, separators) := _bytes(text) + (2 * (_bytes(concat("", escaped)) + count(edges))) if {
	pattern := concat("|", array.concat([characters.escaped_by_format], [one | some one in split(separators, ""); one != ""]))
	escaped := regex.find_n(pattern, text, -1)
	edges := {number | some number in [0, count(text) - 1]; number >= 0; substring(text, number, 1) == " "}
}

_bytes(text) := count(hex.encode(text)) / 2

# The decoded path with its connection, as far as two of them can be compared. Undefined if it cannot be read.
_whole_path(text) := [connection, path] if {
	match := regex.find_all_string_submatch_n(`^(?:vault(?:\+([^,]*?))?:)?(.*)$`, text, 1)[0]
	is_bare(text)
	regex.match(sprintf(`^(?:%s)?$`, [_connection]), match[1])
	not regex.match(`^vault\+:`, text)
	connection := _named(match[1])
	path := _checked(match[2], connection)
}

_whole_path(text) := [characters.default_connection, path] if {
	not is_bare(text)
	path := _checked(text, characters.default_connection)
}

_named("") := characters.default_connection

_named(name) := name if name != ""

_checked(text, connection) := path if {
	not regex.match(`[#|(){}$]`, text)
	count(text) <= characters.most_path_bytes
	path := _decoded(text)
	_is_path(path)
	_bytes("vault:") + (_connection_bytes(connection) + _canonical_bytes(path, "#,")) <= characters.most_path_bytes
}
