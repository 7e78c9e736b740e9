package keyhole.grammar_test

import rego.v1

import data.keyhole.grammar

# What the grammar in Python said of the same texts.
test_both_read_the_same_values if {
	values := [vector | some vector in data.vectors; vector.kind == "value"]
	count(values) == 1600
	[vector | some vector in values; _reads(vector.text) != vector.read] == []
}

test_both_read_the_same_lists_of_paths if {
	lists := [vector | some vector in data.vectors; vector.kind == "paths"]
	count(lists) == 400
	[vector | some vector in lists; _reads_paths(vector.text) != vector.read] == []
}

test_both_see_the_same_references if {
	[vector | some vector in data.vectors; vector.kind == "value"; _refers(vector.text) != vector.refers] == []
}

# Both ways of being wrong are there in large numbers.
test_vectors_are_of_both_kinds if {
	count([vector | some vector in data.vectors; vector.read]) == 1000
	count(data.vectors) == 2000
}

default _reads(_) := false

_reads(text) if grammar.accepts(text)

default _reads_paths(_) := false

_reads_paths(text) if grammar.accepts_paths(text)

default _refers(_) := false

_refers(text) if grammar.has_reference(text)

test_too_many_references if {
	grammar.accepts(_references(1000))
	not grammar.accepts(_references(1001))
}

_references(number) := concat("", [sprintf("((vault:a/b#c%d))", [each]) | some each in numbers.range(1, number)])
