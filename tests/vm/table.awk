# SPDX-License-Identifier: MIT OR Apache-2.0
# From lines "cell KERNEL TOOL RUNG BUFFER VERDICT" to a table of Markdown: a column a kernel, a row a tool, rung and
# buffer. Leaves out the kernel `without`. With only=auto it has a row a tool: the rung that auto took.
$1 == "cell" && $2 != without && $2 !~ /-full$/ && $5 != "preempted" {
	if (!($2 in known)) {
		known[$2] = 1
		kernels[++nkernels] = $2
	}
	if ($3 == "-" || $3 == "others")
		next
	if ($4 == "auto")
		set(only == "auto" ? $3 : $3 " | auto | ", $2, ($6 == "ok" ? "" : "FAILED ") $5)
	else if (only == "auto")
		next
	else
		set($3 " | " $4 " | " ($5 == "-" ? "" : $5), $2, $6 == "refused" ? "–" : $6)
}
function set(row, kernel, text) {
	if (!(row in seen)) {
		seen[row] = 1
		rows[++nrows] = row
	}
	value[row, kernel] = text
}
END {
	head = only == "auto" ? "| tool |" : "| tool | probe | buffer |"
	line = only == "auto" ? "|---|" : "|---|---|---|"
	for (k = 1; k <= nkernels; k++) {
		name = kernels[k]
		gsub("-", " ", name)
		head = head " " name " |"
		line = line "---|"
	}
	print head
	print line
	for (r = 1; r <= nrows; r++) {
		out = "| " rows[r] " |"
		for (k = 1; k <= nkernels; k++)
			out = out " " value[rows[r], kernels[k]] " |"
		print out
	}
}
