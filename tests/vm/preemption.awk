# SPDX-License-Identifier: MIT OR Apache-2.0
# From lines "preempted KERNEL HOW TOOL RUNG BESIDE ACCOUNT" to a table of Markdown: a row a kernel and how it preempts, a
# column a tool: the rung that auto takes, and what its account is worth, alone and beside a reader of a BPF map.
$1 == "preempted" {
	sub(/-(full|loads)$/, "", $2)
	gsub("-", " ", $3)
	gsub("_", " ", $7)
	row = $2 " | " $3
	if (!(row in seen)) {
		seen[row] = 1
		rows[++nrows] = row
	}
	if (!($4 in known)) {
		known[$4] = 1
		tools[++ntools] = $4
	}
	if ($6 == "nothing")
		rung[row, $4] = $5
	account[row, $4, $6] = $7
}
END {
	head = "| kernel | preemption |"
	line = "|---|---|"
	for (t = 1; t <= ntools; t++) {
		head = head " " tools[t] " |"
		line = line "---|"
	}
	print head
	print line
	for (r = 1; r <= nrows; r++) {
		out = "| " rows[r] " |"
		for (t = 1; t <= ntools; t++) {
			alone = account[rows[r], tools[t], "nothing"]
			beside = account[rows[r], tools[t], "reader"]
			out = out " " rung[rows[r], tools[t]] ": " alone (alone == beside ? "" : ", " beside " beside a reader") " |"
		}
		print out
	}
}
