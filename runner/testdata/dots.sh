#!/bin/sh
# Prints the bar of a raster tool: one line, one character at a time.
for mark in 0 . . . 10 . . . 20 . . . 30 . . . 40 . . . 50; do
	printf '%s' "$mark"
	sleep 0.02
done
sleep 0.35
