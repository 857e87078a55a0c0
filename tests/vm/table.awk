# SPDX-License-Identifier: MIT OR Apache-2.0
# From lines "cell KERNEL TOOL RUNG BUFFER VERDICT PASSED FAILED" to a table: a row a tool, rung and buffer; a column
# a kernel.
$1 == "cell" {
	rung = $4
	sub(/^auto=.*/, "auto", rung)
	row = $3 " | " rung " | " $5
	if (!(row in seen)) { seen[row] = 1; rows[++nrows] = row }
	if (!($2 in known)) { known[$2] = 1; kernels[++nkernels] = $2 }
	text = $6 == "ok" ? "ok" : "FAILED"
	if ($4 ~ /^auto=/) text = ($6 == "ok" ? "" : "FAILED ") substr($4, 6)
	value[row, $2] = text
}
END {
	head = "| tool | probe | buffer |"
	line = "|---|---|---|"
	for (k = 1; k <= nkernels; k++) { head = head " " kernels[k] " |"; line = line "---|" }
	print head
	print line
	for (r = 1; r <= nrows; r++) {
		out = "| " rows[r] " |"
		for (k = 1; k <= nkernels; k++) out = out " " value[rows[r], kernels[k]] " |"
		print out
	}
}
