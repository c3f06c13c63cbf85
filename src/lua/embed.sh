#!/bin/sh
# SPDX-License-Identifier: MIT
# Make script.c from Lua files: each becomes struct script script_NAME (src/script.h).
# usage: embed.sh FILE.lua... >script.c
set -eu
export LC_ALL=C

echo '/* Made by src/lua/embed.sh from src/lua/; do not edit. */'
echo '#include "script.h"'
for file; do
	name=$(basename "$file" .lua)
	sha1=$(sha1sum <"$file")
	printf '\nconst struct script script_%s = {\n\t"%s",\n' "$name" "$name"
	# One literal per line.  A question mark is escaped since two of them could begin a trigraph.
	sed -e 's/[\\"?]/\\&/g' -e 's/	/\\t/g' -e 's/.*/\t"&\\n"/' "$file"
	printf '\t,\n\t"%s"\n};\n' "${sha1%% *}"
done
