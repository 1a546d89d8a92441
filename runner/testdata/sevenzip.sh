#!/bin/sh
# Prints what an archiver prints on a pipe: percents that overwrite each other by runs of
# backspaces, without any line end.
printf '  0M Scan '
for percent in 19 57 100; do
	printf '\b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\b'
	printf ' %s%% + data.bin' "$percent"
	sleep 0.35
done
